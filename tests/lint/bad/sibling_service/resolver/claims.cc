#include "detector/registry.h"
