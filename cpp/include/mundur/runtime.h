#pragma once

#include <string>
#include <vector>

#include "mundur/types.h"

namespace mundur {

/// Instruction sets that this build holds and this CPU can run, narrowest first. `generic` is
/// always there.
std::vector<Isa> available_isas();
/// The instruction set in force: the widest available, or MUNDUR_ISA's; throws std::runtime_error
/// where that names one which is unknown or which the CPU lacks.
Isa current_isa();
/// Forces an instruction set for calls that start later; throws where it isn't available.
void set_isa(Isa isa);
Isa isa_from_name(const std::string& name);
/// The kinds of bfloat16 in which this CPU multiplies faster than in float32.
std::vector<Compute> fast_computes();

/// Threads that a native call may use: set_num_threads, else MUNDUR_NUM_THREADS, else the least of
/// OpenMP's own maximum, the CPU affinity, the cgroup quota and the cores. 1 in a forked child.
int num_threads();
/// n >= 1, or 0 to go back to the default; throws std::invalid_argument otherwise.
void set_num_threads(int n);
/// Of those, the most for calls by the thread that says so; 0: no limit of its own.
void limit_threads(int most);
/// What set_num_threads was told last; 0 is the default.
int chosen_num_threads();
/// Threads the machine grants this process: least of affinity, cgroup quota and cores.
int available_threads();

struct BuildInfo {
  std::string version;
  std::string compiler;
  std::string openmp;
  std::vector<std::string> isas_built;
};
BuildInfo build_info();

/// Bytes this process may still allocate (physical memory available, less under a cgroup's limit).
std::int64_t available_memory();

}  // namespace mundur
