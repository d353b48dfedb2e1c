#pragma once

#include <grpcpp/grpcpp.h>

#include "tokenwatch/detector/v1/detector.pb.h"
