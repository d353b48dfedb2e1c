#pragma once

#include <grpcpp/grpcpp.h>

#include "simdjson.h"
