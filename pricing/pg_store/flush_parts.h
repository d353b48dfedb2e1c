// Cuts a flush into parts that sessions of their own write.
#pragma once

#include <cstddef>
#include <vector>

#include "pricing/store.h"

namespace tokenwatch::pricing {

// Rows of a flush, which must outlive it.
struct FlushPart {
  // About in the order of the table's index: neighbours are found in the same pages, which is a fifth of the cost of a
  // merge.
  std::vector<const Series*> series;
  std::vector<const ChunkRow*> chunks;
};

// All rows of the flush, in `count` parts of about as many series each. What is of one token is in one part.
std::vector<FlushPart> CutFlush(const Flush& flush, size_t count);

}  // namespace tokenwatch::pricing
