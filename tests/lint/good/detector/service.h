#pragma once

#include "tokenwatch/demo/v1/demo.grpc.pb.h"
