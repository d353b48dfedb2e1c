// What the gRPC library itself has to say goes to our log, as JSON like everything else.
#pragma once

namespace tokenwatch::common {

// gRPC's errors become warnings (at most ten a second, the rest counted), everything milder debug lines.
// Call it before the first use of gRPC.
void RouteGrpcLog();

}  // namespace tokenwatch::common
