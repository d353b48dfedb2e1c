#include "tests/sim/solana_feed.h"

#include <iterator>
#include <optional>

#include "absl/strings/str_cat.h"
#include "chain/solana/pda.h"
#include "chain/solana/programs.h"
#include "chain/solana/pumpfun_events.h"
#include "tests/sim/event_encoder.h"

namespace tokenwatch::sim {
namespace {

constexpr uint64_t kSolanaStream = 3;
constexpr int64_t kSlotMicroseconds = 400'000;
constexpr uint64_t kFirstSlot = 430'727'484;

constexpr absl::string_view kPump(chain::kPumpProgram, sizeof(chain::kPumpProgram) - 1);
constexpr absl::string_view kToken2022(chain::kToken2022Program, sizeof(chain::kToken2022Program) - 1);
constexpr absl::string_view kSystem = "11111111111111111111111111111111";
constexpr absl::string_view kComputeBudget = "ComputeBudget111111111111111111111111111111";
constexpr absl::string_view kFeeProgram = "pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ";
constexpr absl::string_view kMayhemProgram = "MAyhSmzXzV1pTf7LsNkrNwkWKTo4ougAJ1PPg47MD4e";
constexpr absl::string_view kLaunchLab = "LanMV9sAd7wArD4vJFi2qDdfnVhFxYSUg6eADduJ3uj";
constexpr absl::string_view kPumpSwap = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA";
constexpr absl::string_view kAssociatedToken = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL";
// Programs through which recorded trades came.
constexpr absl::string_view kRouters[] = {
    "FLASHX8DrLbgeR8FcfNV1F5krxYcYMUdBkrP1EPBtxB9", "BoomYLwca6TXDmMZ9cbtt6i1DDg9A8trzSW741PH25e",
    "AKbotMAGJmYPwV8z55Lqiqgijt2KcjLeFGue5sw1noHM", "5kZmvKbaqNjSNEnQKEREEKu5r9JkaDRKrQMUvZagCMoz"};

constexpr uint64_t kRouterPpm = 400'000;
constexpr uint64_t kFeeCallPpm = 100'000;
constexpr uint64_t kDecoyPpm = 10'000;
constexpr uint64_t kRolledBackTradePpm = 130'000;
constexpr uint64_t kRolledBackCreatePpm = 10'000;
constexpr uint64_t kSharedFeesPpm = 5'000;

constexpr uint64_t kBuybackBasisPoints = 5'000;
constexpr uint64_t kPoolTokens = chain::kTokenTotalSupply - chain::kInitialRealTokens;

absl::string_view InstructionName(Instruction instruction) {
  switch (instruction) {
    case Instruction::kBuy:
      return "buy";
    case Instruction::kBuyExactSolIn:
      return "buy_exact_sol_in";
    case Instruction::kBuyExactQuoteIn:
      return "buy_exact_quote_in";
    case Instruction::kSell:
      return "sell";
  }
  return "buy";
}

absl::string_view InstructionLog(Instruction instruction) {
  switch (instruction) {
    case Instruction::kBuy:
      return "Instruction: Buy";
    case Instruction::kBuyExactSolIn:
      return "Instruction: BuyExactSolIn";
    case Instruction::kBuyExactQuoteIn:
      return "Instruction: BuyExactQuoteInV2";
    case Instruction::kSell:
      return "Instruction: Sell";
  }
  return "Instruction: Buy";
}

chain::Pubkey DrawKey(Random& random) {
  chain::Pubkey key;
  random.Fill(key.bytes.data(), key.bytes.size());
  return key;
}

}  // namespace

std::string DrawSignature(Random& random) {
  constexpr char kAlphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  // 88 digits below 5 x 58^87 are below 2^512, and above 2^504 when the first is not zero: exactly 64 bytes.
  std::string text(88, '\0');
  text[0] = kAlphabet[random.Between(1, 4)];
  for (size_t i = 1; i < text.size();) {
    // Ten digits out of one number: each product's high part is the next digit, its low part the fraction that is left.
    uint64_t fraction = random.Next();
    for (int digit = 0; digit < 10 && i < text.size(); ++digit, ++i) {
      const unsigned __int128 product = static_cast<unsigned __int128>(fraction) * 58;
      text[i] = kAlphabet[static_cast<size_t>(product >> 64)];
      fraction = static_cast<uint64_t>(product);
    }
  }
  return text;
}

SolanaFeed::SolanaFeed(const Options& options, const Market& market)
    : market_(market),
      start_us_(options.start_s * 1'000'000),
      truncated_ppm_(options.truncated_ppm),
      random_(options.seed, kSolanaStream),
      token_program_(chain::PubkeyFromConstant(kToken2022)) {
  for (chain::Pubkey& recipient : fee_recipients_) recipient = DrawKey(random_);
  migrator_ = DrawKey(random_);
}

void SolanaFeed::WriteAck(std::string* raw) {
  *raw = absl::StrCat(R"({"jsonrpc":"2.0","id":1,"result":)", LogFrameWriter::kSubscription, "}");
}

uint64_t SolanaFeed::SlotAt(int64_t time_us) const {
  return kFirstSlot + static_cast<uint64_t>((time_us - start_us_) / kSlotMicroseconds);
}

void SolanaFeed::WriteTransaction(const Transaction& transaction, absl::string_view signature, std::string* raw) {
  const bool truncate =
      !transaction.trades.empty() && !transaction.launched.has_value() && random_.ChancePpm(truncated_ppm_);
  const size_t line_limit = truncate ? random_.Between(4, 14) : LogFrameWriter::kNoLineLimit;
  log_.Begin(SlotAt(transaction.time_us), signature, "null", line_limit, raw);
  WriteBudget();
  if (transaction.launched.has_value()) WriteCreate(transaction);
  if (transaction.migrated.has_value()) WriteMigration(*transaction.migrated, transaction);
  for (const Trade& trade : transaction.trades) WriteTrade(trade, transaction);
  if (random_.ChancePpm(kDecoyPpm)) WriteDecoy();
  log_.End();
  if (log_.truncated()) {
    ++truth_.truncated_frames;
    truth_.truncated_trades += transaction.trades.size();
  }
}

void SolanaFeed::WriteBudget() {
  if (random_.Below(4) == 0) log_.Call(kComputeBudget);
  log_.Call(kComputeBudget);
}

void SolanaFeed::WriteToken2022(absl::string_view instruction) {
  log_.Invoke(kToken2022);
  log_.Log(instruction);
  log_.Consumed(1'400 + random_.Below(1'200), 60'000 + random_.Below(60'000));
  log_.Success();
}

// The program calls itself with the event as data, so that it also stands in the inner instructions.
void SolanaFeed::WriteSelfCall() {
  log_.Invoke(kPump);
  log_.Consumed(2'093, 40'000 + random_.Below(60'000));
  log_.Success();
}

void SolanaFeed::EncodeCreate(const Token& token, const chain::Pubkey& creator, int64_t timestamp_s) {
  chain::CreateEvent event;
  event.name = token.texts.name;
  event.symbol = token.texts.symbol;
  event.uri = token.texts.uri;
  event.mint = token.mint;
  event.bonding_curve = token.curve;
  event.user = creator;
  const chain::CurveReserves& fresh = chain::kFreshCurve;
  event.reserves = chain::CreateEvent::Reserves{
      creator, timestamp_s, fresh.virtual_tokens, fresh.virtual_lamports, fresh.real_tokens, chain::kTokenTotalSupply};
  event.modes = chain::CreateEvent::Modes{token_program_, token.is_mayhem, token.is_cashback, chain::Pubkey{},
                                          fresh.virtual_lamports};
  EncodeEvent(event, &event_);
}

void SolanaFeed::WriteCreate(const Transaction& transaction) {
  const Token& token = market_.tokens()[*transaction.launched];
  log_.Invoke(kPump);
  log_.Log("Instruction: CreateV2");
  log_.Call(kSystem);
  WriteToken2022("MetadataPointerInstruction::Initialize");
  WriteToken2022("Instruction: InitializeMint2");
  log_.Invoke(kAssociatedToken);
  log_.Log("Create");
  WriteToken2022("Instruction: GetAccountDataSize");
  log_.Call(kSystem);
  log_.Log("Initialize the associated token account");
  WriteToken2022("Instruction: InitializeAccount3");
  log_.Consumed(19'947 + random_.Below(2'000), 170'000 + random_.Below(80'000));
  log_.Success();
  WriteToken2022("TokenMetadataInstruction: Initialize");
  WriteToken2022("Instruction: MintTo");
  EncodeCreate(token, market_.wallets()[token.creator].key, transaction.timestamp_s());
  log_.Data(event_);
  WriteSelfCall();
  log_.Consumed(109'769 + random_.Below(2'000), 206'000 + random_.Below(90'000));
  log_.Success();
}

void SolanaFeed::EncodeTrade(const Trade& trade, int64_t timestamp_s) {
  const Token& token = market_.tokens()[trade.token];
  const chain::CurveReserves& after = trade.fill.after;
  chain::TradeEvent event;
  event.mint = token.mint;
  event.sol_amount = trade.fill.lamports;
  event.token_amount = trade.fill.tokens;
  event.is_buy = trade.is_buy;
  event.user = market_.TraderKey(trade);
  event.timestamp_s = timestamp_s;
  event.virtual_sol_reserves = after.virtual_lamports;
  event.virtual_token_reserves = after.virtual_tokens;
  event.real_sol_reserves = after.real_lamports;
  event.real_token_reserves = after.real_tokens;

  const bool to_creator = !token.is_cashback;
  event.fees = chain::TradeEvent::Fees{fee_recipients_[random_.Below(std::size(fee_recipients_))],
                                       trade.fees.protocol_basis_points,
                                       trade.fill.protocol_fee_lamports,
                                       market_.wallets()[token.creator].key,
                                       to_creator ? trade.fees.creator_basis_points : 0,
                                       to_creator ? trade.fill.creator_fee_lamports : 0};
  chain::TradeEvent::Volume& volume = event.volume.emplace();
  volume.track_volume = trade.is_buy && random_.Below(2) == 0;
  volume.instruction_name = InstructionName(trade.instruction);
  event.cashback = chain::TradeEvent::Cashback{token.is_mayhem, to_creator ? 0 : trade.fees.creator_basis_points,
                                               to_creator ? 0 : trade.fill.creator_fee_lamports};
  chain::TradeEvent::Buyback& buyback = event.buyback.emplace();
  // Recorded mayhem curves buy nothing back.
  buyback.buyback_fee_basis_points = token.is_mayhem ? 0 : kBuybackBasisPoints;
  buyback.buyback_fee =
      trade.fill.protocol_fee_lamports * buyback.buyback_fee_basis_points / chain::kBasisPointsPerUnit;
  uint8_t shareholders[2 * 34];
  if (random_.ChancePpm(kSharedFeesPpm)) {
    random_.Fill(shareholders, sizeof(shareholders));
    buyback.shareholders = shareholders;
  }
  buyback.quote_amount = trade.fill.lamports;
  buyback.virtual_quote_reserves = after.virtual_lamports;
  buyback.real_quote_reserves = after.real_lamports;
  EncodeEvent(event, &event_);
}

void SolanaFeed::WriteTradeInside(const Trade& trade, const Transaction& transaction) {
  log_.Invoke(kPump);
  log_.Log(InstructionLog(trade.instruction));
  if (random_.ChancePpm(kFeeCallPpm)) {
    log_.Invoke(kFeeProgram);
    log_.Log("Instruction: GetFees");
    log_.Consumed(3'302, 110'000 + random_.Below(300'000));
    log_.Return("AAAAAAAAAABfAAAAAAAAAB4AAAAAAAAA");
    log_.Success();
  }
  WriteToken2022("Instruction: TransferChecked");
  EncodeTrade(trade, transaction.timestamp_s());
  log_.Data(event_);
  if (trade.fill.completes) {
    chain::CompleteEvent complete;
    const Token& token = market_.tokens()[trade.token];
    complete.user = market_.TraderKey(trade);
    complete.mint = token.mint;
    complete.bonding_curve = token.curve;
    complete.timestamp_s = transaction.timestamp_s();
    complete.quote_mint = chain::Pubkey{};
    EncodeEvent(complete, &event_);
    log_.Data(event_);
  }
  WriteSelfCall();
  log_.Consumed(54'525 + random_.Below(20'000), 145'650 + random_.Below(100'000));
  log_.Success();
}

void SolanaFeed::WriteTrade(const Trade& trade, const Transaction& transaction) {
  const bool by_agent = trade.trader == kMayhemAgent;
  if (!by_agent && !random_.ChancePpm(kRouterPpm)) {
    WriteTradeInside(trade, transaction);
    return;
  }
  log_.Invoke(by_agent ? kMayhemProgram : kRouters[random_.Below(std::size(kRouters))]);
  if (by_agent && transaction.rewrite.has_value()) WriteRewrite(*transaction.rewrite, transaction);
  // Some routers print data of their own, or text that only looks like a line of the runtime.
  if (random_.Below(32) == 0) {
    log_.Data("router!!");
    if (!log_.truncated()) ++truth_.foreign_data_lines;
  }
  if (random_.Below(64) == 0) log_.Log(absl::StrCat("Program ", kPump, " failed: not really"));
  WriteTradeInside(trade, transaction);
  log_.Consumed(59'979 + random_.Below(20'000), 149'550 + random_.Below(100'000));
  log_.Success();
}

void SolanaFeed::WriteRewrite(const MayhemRewrite& rewrite, const Transaction& transaction) {
  chain::MayhemReservesEvent event;
  event.timestamp_s = transaction.timestamp_s();
  event.mint = market_.tokens()[rewrite.token].mint;
  event.virtual_token_reserves = rewrite.before.virtual_tokens;
  event.virtual_sol_reserves = rewrite.before.virtual_lamports;
  event.new_virtual_token_reserves = rewrite.after.virtual_tokens;
  event.new_virtual_sol_reserves = rewrite.after.virtual_lamports;
  event.real_token_reserves = rewrite.after.real_tokens;
  event.real_sol_reserves = rewrite.after.real_lamports;
  EncodeEvent(event, &event_);
  log_.Invoke(kPump);
  log_.Log("Instruction: SetMayhemVirtualParams");
  log_.Data(event_);
  WriteSelfCall();
  log_.Consumed(17'450, 60'000 + random_.Below(60'000));
  log_.Success();
}

void SolanaFeed::WriteMigration(uint32_t token_index, const Transaction& transaction) {
  const Token& token = market_.tokens()[token_index];
  const chain::Pubkey pump = chain::PubkeyFromConstant(kPump);
  const chain::Pubkey wrapped_sol = chain::PubkeyFromConstant("So11111111111111111111111111111111111111112");
  const absl::string_view authority_seeds[] = {"pool-authority", chain::SeedOf(token.mint)};
  const auto authority = chain::FindProgramAddress(authority_seeds, pump);
  chain::MigrationEvent event;
  if (authority.has_value()) {
    const absl::string_view pool_seeds[] = {"pool", absl::string_view("\0\0", 2), chain::SeedOf(authority->address),
                                            chain::SeedOf(token.mint), chain::SeedOf(wrapped_sol)};
    const auto pool = chain::FindProgramAddress(pool_seeds, chain::PubkeyFromConstant(kPumpSwap));
    if (pool.has_value()) event.pool = pool->address;
  }
  event.user = migrator_;
  event.mint = token.mint;
  event.mint_amount = kPoolTokens;
  event.sol_amount = token.reserves.real_lamports - chain::kMigrationFeeLamports;
  event.pool_migration_fee = chain::kMigrationFeeLamports;
  event.bonding_curve = token.curve;
  event.timestamp_s = transaction.timestamp_s();
  event.quote_mint = chain::Pubkey{};
  EncodeEvent(event, &event_);

  log_.Invoke(kPump);
  log_.Log("Instruction: Migrate");
  log_.Invoke(kPumpSwap);
  log_.Log("Instruction: CreatePool");
  WriteToken2022("Instruction: TransferChecked");
  log_.Consumed(120'000 + random_.Below(10'000), 250'000 + random_.Below(50'000));
  log_.Success();
  log_.Data(event_);
  WriteSelfCall();
  log_.Consumed(170'000 + random_.Below(10'000), 400'000 + random_.Below(50'000));
  log_.Success();
}

// Another program's event with the very discriminator of pump.fun's TradeEvent: LaunchLab has one.
void SolanaFeed::WriteDecoy() {
  event_.assign("\xbd\xdb\x7f\xd3\x4e\xe6\x61\xee", 8);
  event_.resize(146);
  random_.Fill(reinterpret_cast<uint8_t*>(event_.data()) + 8, event_.size() - 8);
  log_.Invoke(kLaunchLab);
  log_.Log("Instruction: BuyExactIn");
  log_.Data(event_);
  if (!log_.truncated()) ++truth_.foreign_data_lines;
  log_.Success();
}

void SolanaFeed::WriteFailed(int64_t time_us, std::string* raw) {
  ++truth_.failed_frames;
  const std::string signature = DrawSignature(random_);
  const uint64_t code = random_.Between(1, 12);
  const std::string error =
      absl::StrCat(R"({"InstructionError":[)", random_.Between(2, 4), R"(,{"Custom":)", code, "}]}");
  const std::string reason = absl::StrCat("custom program error: 0x", absl::Hex(code));
  const absl::string_view router = kRouters[random_.Below(std::size(kRouters))];
  log_.Begin(SlotAt(time_us), signature, error, LogFrameWriter::kNoLineLimit, raw);
  WriteBudget();
  log_.Call(kComputeBudget);
  const uint64_t kind = random_.Below(1'000'000);
  log_.Invoke(router);
  if (kind < kRolledBackCreatePpm) {
    WriteRolledBackCreate(time_us);
  } else if (kind < kRolledBackCreatePpm + kRolledBackTradePpm) {
    WriteRolledBackTrade(time_us);
  } else if (kind % 4 == 0) {
    // The pump program itself refuses, before any event.
    log_.Invoke(kPump);
    log_.Log("Instruction: Buy");
    log_.Log("AnchorError thrown in programs/pump/src/lib.rs:831. Error Code: TooMuchSolRequired. Error Number: 6002.");
    log_.Consumed(21'000 + random_.Below(9'000), 90'000 + random_.Below(60'000));
    log_.Failed(reason);
  }
  log_.Consumed(69 + random_.Below(9'000), 77'680 + random_.Below(70'000));
  log_.Failed(reason);
  log_.End();
}

// A buy that went through, and a caller that failed after it.
void SolanaFeed::WriteRolledBackTrade(int64_t time_us) {
  const std::vector<Token>& tokens = market_.tokens();
  Transaction transaction;
  transaction.time_us = time_us;
  Trade trade;
  trade.token = static_cast<uint32_t>(random_.Below(tokens.size()));
  trade.trader = static_cast<uint32_t>(random_.SkewedBelow(market_.wallets().size()));
  trade.is_buy = true;
  trade.fees = {95, 30};
  const Token& token = tokens[trade.token];
  const auto fill = chain::BuyExactTokens(token.reserves, token.reserves.real_tokens / 64, trade.fees);
  if (token.complete || !fill.has_value()) return;
  trade.fill = *fill;
  WriteTradeInside(trade, transaction);
  ++truth_.failed_frames_with_events;
  ++truth_.failed_trade_events;
}

void SolanaFeed::WriteRolledBackCreate(int64_t time_us) {
  Token token;
  token.mint = DrawKey(random_);
  token.curve = chain::BondingCurveAddress(token.mint);
  token.texts.name = "Never Was";
  token.texts.symbol = "NEVER";
  log_.Invoke(kPump);
  log_.Log("Instruction: CreateV2");
  EncodeCreate(token, DrawKey(random_), time_us / 1'000'000);
  log_.Data(event_);
  WriteSelfCall();
  log_.Success();
  ++truth_.failed_frames_with_events;
  ++truth_.failed_create_events;
}

}  // namespace tokenwatch::sim
