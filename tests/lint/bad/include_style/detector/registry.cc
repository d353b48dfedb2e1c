#include "registry.h"
#include "../chain/address.h"
#include <chain/address.h>
#include "chain/addres.h"
