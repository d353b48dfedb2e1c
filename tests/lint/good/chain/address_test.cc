#include "chain/address.h"

#include "gtest/gtest.h"
