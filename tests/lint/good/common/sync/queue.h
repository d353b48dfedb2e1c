// A bounded queue. tokenwatch is only its namespace.
#pragma once

#include <stop_token>
