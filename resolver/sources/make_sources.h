// The sources of a configuration.
#pragma once

#include <memory>
#include <vector>

#include "common/http/client.h"
#include "common/time/clock.h"
#include "resolver/config.h"
#include "resolver/sources/source.h"

namespace tokenwatch::resolver {

// The client that all sources share.
std::unique_ptr<common::HttpClient> MakeHttpClient(const Config& config, common::Clock& clock);

// In the order of `config.sources`. `http` must be shut down before they end.
std::vector<std::unique_ptr<Source>> MakeSources(const Config& config, common::HttpFetcher& http, common::Clock& clock);

std::vector<Source*> Pointers(const std::vector<std::unique_ptr<Source>>& sources);

}  // namespace tokenwatch::resolver
