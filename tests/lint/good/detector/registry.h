#pragma once

#include "absl/strings/string_view.h"

#include "chain/address.h"
