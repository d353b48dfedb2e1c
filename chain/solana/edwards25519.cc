#include "chain/solana/edwards25519.h"

#include <cstddef>

namespace tokenwatch::chain {
namespace {

// Elements of the field of 2^255 - 19 in five limbs of 51 bits. Limbs may exceed 51 bits by a little between
// operations; products take limbs below 2^54.
struct Field {
  uint64_t limb[5];
};

using Wide = unsigned __int128;

constexpr uint64_t kMask = (uint64_t{1} << 51) - 1;
constexpr Field kOne{{1, 0, 0, 0, 0}};
// d = -121665 / 121666, the curve's constant.
constexpr Field kD{{0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff}};

uint64_t LoadLittleEndian(const uint8_t* bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value |= uint64_t{bytes[i]} << (8 * i);
  return value;
}

// Takes the value modulo 2^255: the sign bit does not count.
Field Load(const std::array<uint8_t, 32>& bytes) {
  const uint8_t* b = bytes.data();
  return {{LoadLittleEndian(b) & kMask, (LoadLittleEndian(b + 6) >> 3) & kMask, (LoadLittleEndian(b + 12) >> 6) & kMask,
           (LoadLittleEndian(b + 19) >> 1) & kMask, (LoadLittleEndian(b + 24) >> 12) & kMask}};
}

Field Add(const Field& a, const Field& b) {
  Field sum;
  for (size_t i = 0; i < 5; ++i) sum.limb[i] = a.limb[i] + b.limb[i];
  return sum;
}

// a - b + 4p, so that no limb goes below zero.
Field Subtract(const Field& a, const Field& b) {
  Field difference;
  difference.limb[0] = a.limb[0] + 4 * (kMask - 18) - b.limb[0];
  for (size_t i = 1; i < 5; ++i) difference.limb[i] = a.limb[i] + 4 * kMask - b.limb[i];
  return difference;
}

Field Carry(Wide r0, Wide r1, Wide r2, Wide r3, Wide r4) {
  Field out;
  r1 += static_cast<uint64_t>(r0 >> 51);
  r2 += static_cast<uint64_t>(r1 >> 51);
  r3 += static_cast<uint64_t>(r2 >> 51);
  r4 += static_cast<uint64_t>(r3 >> 51);
  out.limb[0] = (static_cast<uint64_t>(r0) & kMask) + 19 * static_cast<uint64_t>(r4 >> 51);
  out.limb[1] = (static_cast<uint64_t>(r1) & kMask) + (out.limb[0] >> 51);
  out.limb[0] &= kMask;
  out.limb[2] = static_cast<uint64_t>(r2) & kMask;
  out.limb[3] = static_cast<uint64_t>(r3) & kMask;
  out.limb[4] = static_cast<uint64_t>(r4) & kMask;
  return out;
}

Field Multiply(const Field& x, const Field& y) {
  const uint64_t* a = x.limb;
  const uint64_t* b = y.limb;
  // 2^255 = 19, so what overflows the top limb comes back times 19.
  const uint64_t b1 = 19 * b[1], b2 = 19 * b[2], b3 = 19 * b[3], b4 = 19 * b[4];
  return Carry(Wide{a[0]} * b[0] + Wide{a[1]} * b4 + Wide{a[2]} * b3 + Wide{a[3]} * b2 + Wide{a[4]} * b1,
               Wide{a[0]} * b[1] + Wide{a[1]} * b[0] + Wide{a[2]} * b4 + Wide{a[3]} * b3 + Wide{a[4]} * b2,
               Wide{a[0]} * b[2] + Wide{a[1]} * b[1] + Wide{a[2]} * b[0] + Wide{a[3]} * b4 + Wide{a[4]} * b3,
               Wide{a[0]} * b[3] + Wide{a[1]} * b[2] + Wide{a[2]} * b[1] + Wide{a[3]} * b[0] + Wide{a[4]} * b4,
               Wide{a[0]} * b[4] + Wide{a[1]} * b[3] + Wide{a[2]} * b[2] + Wide{a[3]} * b[1] + Wide{a[4]} * b[0]);
}

Field Square(const Field& x) {
  const uint64_t* a = x.limb;
  const uint64_t a0 = 2 * a[0], a1 = 2 * a[1], a3 = 19 * a[3], a4 = 19 * a[4];
  return Carry(
      Wide{a[0]} * a[0] + Wide{a1} * a4 + Wide{2 * a[2]} * a3, Wide{a0} * a[1] + Wide{2 * a[2]} * a4 + Wide{a[3]} * a3,
      Wide{a0} * a[2] + Wide{a[1]} * a[1] + Wide{2 * a[3]} * a4, Wide{a0} * a[3] + Wide{a1} * a[2] + Wide{a[4]} * a4,
      Wide{a0} * a[4] + Wide{a1} * a[3] + Wide{a[2]} * a[2]);
}

Field SquareTimes(Field x, int times) {
  for (int i = 0; i < times; ++i) x = Square(x);
  return x;
}

// Whether x = 0, or x = 1, modulo 2^255 - 19.
bool IsZeroOrOne(Field x) {
  // Two rounds of carries bring the value below 2^255; adding 19 then tells whether it is at least p.
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < 4; ++i) {
      x.limb[i + 1] += x.limb[i] >> 51;
      x.limb[i] &= kMask;
    }
    x.limb[0] += 19 * (x.limb[4] >> 51);
    x.limb[4] &= kMask;
  }
  uint64_t quotient = (x.limb[0] + 19) >> 51;
  for (size_t i = 1; i < 5; ++i) quotient = (x.limb[i] + quotient) >> 51;
  x.limb[0] += 19 * quotient;
  for (size_t i = 0; i < 4; ++i) {
    x.limb[i + 1] += x.limb[i] >> 51;
    x.limb[i] &= kMask;
  }
  x.limb[4] &= kMask;
  return x.limb[0] <= 1 && (x.limb[1] | x.limb[2] | x.limb[3] | x.limb[4]) == 0;
}

// z^((p-1)/2): 1 for squares, 0 for zero, -1 for the others. (p-1)/2 = 2^254 - 10 = (2^250 - 1) * 2^4 + 6.
Field Legendre(const Field& z) {
  const Field z2 = Square(z);
  const Field z3 = Multiply(z2, z);
  const Field ones5 = [&] {  // z^(2^5 - 1)
    const Field z12 = SquareTimes(z3, 2);
    const Field z15 = Multiply(z12, z3);
    return Multiply(Square(z15), z);
  }();
  const Field ones10 = Multiply(SquareTimes(ones5, 5), ones5);
  const Field ones20 = Multiply(SquareTimes(ones10, 10), ones10);
  const Field ones40 = Multiply(SquareTimes(ones20, 20), ones20);
  const Field ones50 = Multiply(SquareTimes(ones40, 10), ones10);
  const Field ones100 = Multiply(SquareTimes(ones50, 50), ones50);
  const Field ones200 = Multiply(SquareTimes(ones100, 100), ones100);
  const Field ones250 = Multiply(SquareTimes(ones200, 50), ones50);
  return Multiply(SquareTimes(ones250, 4), Square(z3));
}

}  // namespace

bool IsOnEdwards25519(const std::array<uint8_t, 32>& compressed) {
  const Field y2 = Square(Load(compressed));
  const Field u = Subtract(y2, kOne);
  const Field v = Add(Multiply(y2, kD), kOne);
  // u / v is a square exactly when u v is; v is never 0, because -1/d is no square.
  return IsZeroOrOne(Legendre(Multiply(u, v)));
}

}  // namespace tokenwatch::chain
