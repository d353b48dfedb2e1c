#pragma once

#include "common/sync/queue.h"
