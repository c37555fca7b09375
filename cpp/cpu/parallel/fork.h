#pragma once

namespace mundur {

/// Whether this process was forked from one that had loaded the library: the threads of OpenMP's
/// pool did not come along, and a parallel region would wait for them for ever.
bool in_forked_child();

}  // namespace mundur
