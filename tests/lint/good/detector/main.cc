#include <grpcpp/grpcpp.h>

#include "detector/pg_store.h"
#include "detector/service.h"
