// Which kernels run: what this build holds, what this CPU can do, what MUNDUR_ISA asks for.

#ifdef MUNDUR_HAS_avx512bf16
#include <cpuid.h>
#endif
#ifdef MUNDUR_HAS_amx
#include <sys/syscall.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "cpu/kernels/table.h"
#include "mundur/runtime.h"

#define MUNDUR_DECLARE_ISA(name)     \
  namespace mundur::name {           \
  void fill(Kernels<float>& table);  \
  void fill(Kernels<double>& table); \
  }
MUNDUR_DECLARE_ISA(generic)
#ifdef MUNDUR_HAS_avx2
MUNDUR_DECLARE_ISA(avx2)
#endif
#ifdef MUNDUR_HAS_avx512
MUNDUR_DECLARE_ISA(avx512)
#endif
#ifdef MUNDUR_HAS_avx512bf16
namespace mundur::avx512bf16 {
void fill_rounding(Kernels<float>& table);
void fill_products_pairs(Kernels<float>& table);
}  // namespace mundur::avx512bf16
#endif
#ifdef MUNDUR_HAS_amx
namespace mundur::amx {
void fill_products_tiles(Kernels<float>& table);
}
#endif
#ifdef MUNDUR_HAS_neon
MUNDUR_DECLARE_ISA(neon)
#endif

namespace mundur {
namespace {

#ifdef MUNDUR_HAS_amx
/// Whether this process may use tiles: the CPU has them, and the system gives them to those who
/// ask. It is asked once, before any thread of ours can need them, and not at all where MUNDUR_ISA
/// names another instruction set.
bool may_use_tiles() {
  static const bool may = [] {
    const char* asked = std::getenv("MUNDUR_ISA");
    if (asked && *asked && std::strcmp(asked, "amx") != 0) return false;
    constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;  // of leaf 7's edx
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & kBf16) == 0 || (d & kTile) == 0)
      return false;
    constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
    return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
  }();
  return may;
}
#endif

bool cpu_has(Isa isa) {
  switch (isa) {
    case Isa::generic:
      return true;
#ifdef MUNDUR_HAS_avx2
    case Isa::avx2:
      // F16C came before AVX2 everywhere, and clang 14 has no name for it here.
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
#ifdef MUNDUR_HAS_avx512
    case Isa::avx512:
      return cpu_has(Isa::avx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl");
#endif
#ifdef MUNDUR_HAS_avx512bf16
    case Isa::avx512bf16:
      return cpu_has(Isa::avx512) && __builtin_cpu_supports("avx512bf16");
#endif
#ifdef MUNDUR_HAS_amx
    case Isa::amx:
      return cpu_has(Isa::avx512bf16) && may_use_tiles();
#endif
#ifdef MUNDUR_HAS_neon
    case Isa::neon:
      return true;
#endif
    default:
      return false;
  }
}

#ifdef MUNDUR_HAS_avx512bf16
/// Only these rows differ from those of avx512.
void fill_avx512bf16(Kernels<float>& table) {
  avx512::fill(table);
  avx512bf16::fill_rounding(table);
  avx512bf16::fill_products_pairs(table);
  table.isa = Isa::avx512bf16;
}
void fill_avx512bf16(Kernels<double>& table) {
  avx512::fill(table);
  table.isa = Isa::avx512bf16;
}
#endif

#ifdef MUNDUR_HAS_amx
void fill_amx(Kernels<float>& table) {
  fill_avx512bf16(table);
  amx::fill_products_tiles(table);
  table.isa = Isa::amx;
}
void fill_amx(Kernels<double>& table) {
  avx512::fill(table);
  table.isa = Isa::amx;
}
#endif

/// Bytes of a core's L2.
std::int64_t l2_of_cpu() {
#ifdef _SC_LEVEL2_CACHE_SIZE
  const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (bytes > 0) return std::clamp<std::int64_t>(bytes, kLeastL2, kMostL2);
#endif
  return kUsualL2;
}

template <class T>
struct Tables {
  Kernels<T> of[kIsas] = {};
  // A table is filled by code of its own build, which a lesser CPU must not even enter.
  Tables() {
    fill_if(Isa::generic, generic::fill);
#ifdef MUNDUR_HAS_avx2
    fill_if(Isa::avx2, avx2::fill);
#endif
#ifdef MUNDUR_HAS_avx512
    fill_if(Isa::avx512, avx512::fill);
#endif
#ifdef MUNDUR_HAS_avx512bf16
    fill_if(Isa::avx512bf16, fill_avx512bf16);
#endif
#ifdef MUNDUR_HAS_amx
    fill_if(Isa::amx, fill_amx);
#endif
#ifdef MUNDUR_HAS_neon
    fill_if(Isa::neon, neon::fill);
#endif
  }
  void fill_if(Isa isa, void (*fill)(Kernels<T>&)) {
    if (!cpu_has(isa)) return;
    Kernels<T>& table = of[static_cast<int>(isa)];
    fill(table);
    table.l2_bytes = l2_of_cpu();
  }
};

std::string listed(const std::vector<Isa>& isas) {
  std::string text;
  for (Isa isa : isas) text += (text.empty() ? "" : ", ") + std::string(name_of(isa));
  return text;
}

void require(Isa isa) {
  if (!cpu_has(isa)) {
    throw std::runtime_error("instruction set '" + std::string(name_of(isa)) +
                             "' is not available here: this build on this CPU has " +
                             listed(available_isas()));
  }
}

// -1 until the first use: the environment is read then, so that its error reaches a caller and not
// a static initialiser.
std::atomic<int> chosen{-1};

}  // namespace

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (int i = 0; i < kIsas; ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (cpu_has(isa)) isas.push_back(isa);
  }
  return isas;
}

std::vector<Compute> fast_computes() {
  std::vector<Compute> fast;
#ifdef MUNDUR_HAS_amx
  if (cpu_has(Isa::amx)) fast.push_back(Compute::bfloat16);
#endif
#ifdef MUNDUR_HAS_avx512bf16
  // Cores with float16 arithmetic have, so far, VDPBF16PS at half the rate of FMA.
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kFp16 = 1u << 23;
  const bool is_slow = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & kFp16) != 0;
  if (cpu_has(Isa::avx512bf16) && !is_slow) fast.push_back(Compute::bfloat16_pairs);
#endif
  return fast;
}

Isa isa_from_name(const std::string& name) {
  for (int i = 0; i < kIsas; ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (name == name_of(isa)) return isa;
  }
  throw std::runtime_error("unknown instruction set '" + name + "': expected one of " +
                           listed(available_isas()));
}

namespace {

Isa asked_for(const std::string& name) {
  try {
    const Isa isa = isa_from_name(name);
    require(isa);
    return isa;
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(std::string("MUNDUR_ISA: ") + error.what());
  }
}

}  // namespace

Isa current_isa() {
  int isa = chosen.load(std::memory_order_relaxed);
  if (isa < 0) {
    const char* asked = std::getenv("MUNDUR_ISA");
    isa = static_cast<int>(asked && *asked ? asked_for(asked) : available_isas().back());
    chosen.store(isa, std::memory_order_relaxed);
  }
  return static_cast<Isa>(isa);
}

void set_isa(Isa isa) {
  require(isa);
  chosen.store(static_cast<int>(isa), std::memory_order_relaxed);
}

template <class T>
const Kernels<T>& kernels(Isa isa) {
  static const Tables<T> tables;
  require(isa);
  return tables.of[static_cast<int>(isa)];
}

template <class T>
const Kernels<T>& kernels() {
  return kernels<T>(current_isa());
}

template const Kernels<float>& kernels<float>(Isa);
template const Kernels<double>& kernels<double>(Isa);
template const Kernels<float>& kernels<float>();
template const Kernels<double>& kernels<double>();

}  // namespace mundur
