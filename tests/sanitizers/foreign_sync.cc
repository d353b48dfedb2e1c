// What ThreadSanitizer must know about libraries it cannot see into. Debian's gRPC and Abseil are not instrumented, so
// the hand-over of a call from one of gRPC's threads to another looks like a race wherever gRPC's templates, or our own
// reactors, are compiled into an instrumented program. Suppressing those reports would hide races of our own; instead
// the few functions by which these libraries synchronize are wrapped here, and tell what they order.
//
// Linked into every program of the tsan preset. The dynamic linker prefers a program's functions to those of a library,
// for the library's own calls too. The names are those of Debian 12's packages, which is what this repository is built
// on; with other versions the wrappers are never called and the reports come back. Compiled without instrumentation.
#include <dlfcn.h>

#include "absl/time/time.h"

extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);

#define ABSL "_ZN4absl7debian3"
#define QUEUE "_ZN9grpc_core32MultiProducerSingleConsumerQueue"
#define SERVER_CALL "_ZN4grpc8internal18ServerCallbackCall"

namespace {

// The library's own function.
template <typename Function>
Function* Original(const char* symbol) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, symbol));
}

}  // namespace

// absl::Mutex and CondVar, under all locks of gRPC.
#define LOCK ABSL "5Mutex4LockEv"
#define UNLOCK ABSL "5Mutex6UnlockEv"
#define TRY_LOCK ABSL "5Mutex7TryLockEv"
#define WAIT ABSL "7CondVar4WaitEPNS0_5MutexE"
#define WAIT_WITH_TIMEOUT ABSL "7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE"
#define WAIT_WITH_DEADLINE ABSL "7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE"

void Lock(void* mutex) __asm__(LOCK);
void Lock(void* mutex) {
  static auto* const original = Original<void(void*)>(LOCK);
  original(mutex);
  __tsan_acquire(mutex);
}

void Unlock(void* mutex) __asm__(UNLOCK);
void Unlock(void* mutex) {
  static auto* const original = Original<void(void*)>(UNLOCK);
  __tsan_release(mutex);
  original(mutex);
}

bool TryLock(void* mutex) __asm__(TRY_LOCK);
bool TryLock(void* mutex) {
  static auto* const original = Original<bool(void*)>(TRY_LOCK);
  const bool locked = original(mutex);
  if (locked) __tsan_acquire(mutex);
  return locked;
}

void Wait(void* condition, void* mutex) __asm__(WAIT);
void Wait(void* condition, void* mutex) {
  static auto* const original = Original<void(void*, void*)>(WAIT);
  __tsan_release(mutex);
  original(condition, mutex);
  __tsan_acquire(mutex);
}

bool WaitWithTimeout(void* condition, void* mutex, absl::Duration timeout) __asm__(WAIT_WITH_TIMEOUT);
bool WaitWithTimeout(void* condition, void* mutex, absl::Duration timeout) {
  static auto* const original = Original<bool(void*, void*, absl::Duration)>(WAIT_WITH_TIMEOUT);
  __tsan_release(mutex);
  const bool timed_out = original(condition, mutex, timeout);
  __tsan_acquire(mutex);
  return timed_out;
}

bool WaitWithDeadline(void* condition, void* mutex, absl::Time deadline) __asm__(WAIT_WITH_DEADLINE);
bool WaitWithDeadline(void* condition, void* mutex, absl::Time deadline) {
  static auto* const original = Original<bool(void*, void*, absl::Time)>(WAIT_WITH_DEADLINE);
  __tsan_release(mutex);
  const bool timed_out = original(condition, mutex, deadline);
  __tsan_acquire(mutex);
  return timed_out;
}

// gRPC's lock-free queue, by which closures and events change threads.
#define PUSH QUEUE "4PushEPNS0_4NodeE"
#define POP QUEUE "3PopEv"
#define POP_AND_CHECK_END QUEUE "14PopAndCheckEndEPb"

bool Push(void* queue, void* node) __asm__(PUSH);
bool Push(void* queue, void* node) {
  static auto* const original = Original<bool(void*, void*)>(PUSH);
  __tsan_release(queue);
  return original(queue, node);
}

void* Pop(void* queue) __asm__(POP);
void* Pop(void* queue) {
  static auto* const original = Original<void*(void*)>(POP);
  void* const node = original(queue);
  if (node != nullptr) __tsan_acquire(queue);
  return node;
}

void* PopAndCheckEnd(void* queue, bool* empty) __asm__(POP_AND_CHECK_END);
void* PopAndCheckEnd(void* queue, bool* empty) {
  static auto* const original = Original<void*(void*, bool*)>(POP_AND_CHECK_END);
  void* const node = original(queue, empty);
  if (node != nullptr) __tsan_acquire(queue);
  return node;
}

// The end of a call: scheduled by whoever counts its outstanding callbacks down to nothing, which may be the library
// itself. The two counters follow the pointer to the table of virtual functions.
#define SCHEDULE_ON_DONE SERVER_CALL "14ScheduleOnDoneEb"

void ScheduleOnDone(void* call, bool inline_ondone) __asm__(SCHEDULE_ON_DONE);
void ScheduleOnDone(void* call, bool inline_ondone) {
  static auto* const original = Original<void(void*, bool)>(SCHEDULE_ON_DONE);
  int* const counters = reinterpret_cast<int*>(static_cast<void**>(call) + 1);
  __tsan_acquire(&counters[0]);
  __tsan_acquire(&counters[1]);
  original(call, inline_ondone);
}

#define CALL_ON_CANCEL SERVER_CALL "12CallOnCancelEPNS0_13ServerReactorE"

void CallOnCancel(void* call, void* reactor) __asm__(CALL_ON_CANCEL);
void CallOnCancel(void* call, void* reactor) {
  static auto* const original = Original<void(void*, void*)>(CALL_ON_CANCEL);
  __tsan_acquire(static_cast<void**>(call) + 1);
  original(call, reactor);
}
