#include "tokenwatch/scheduler/v1/scheduler.pb.h"
