#pragma once
#include "chain/address.h"
