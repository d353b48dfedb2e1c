// Fetches what tokenwatch asks for, for instance a token.
#pragma once
void FetchMintPrices();
struct stop_token_holder;
constexpr int kMaxTRADES = 1;
