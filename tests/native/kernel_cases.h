// Random cases for every kind of op, run on any backend's kernels.
//
// A case is an op, a shape and a seed. Inputs are drawn from the seed as floats that bf16 and fp16
// hold exactly, so that every backend starts from the same numbers whatever its operand dtype is.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/backend.h"
#include "shapes.h"

namespace test {

// The lane that a case runs on, with scratch of its own.
class CaseLane {
 public:
  virtual ~CaseLane() = default;
  virtual nf::Lane& lane() = 0;
  // Until what was launched is through.
  virtual void finish() {}
  // Has no kernel written behind the scratch it asked for?
  virtual bool scratch_intact() const = 0;
};
using OpenLane = std::unique_ptr<CaseLane> (*)(uint32_t units, size_t scratch_bytes);

// Of host backends.
std::unique_ptr<CaseLane> open_serial_lane(uint32_t units, size_t scratch_bytes);

// The kernels of a backend and the layouts they read.
struct Subject {
  std::string name;
  std::span<const nf::Kernel> kernels;
  nf::DType operand;
  nf::DType (*packed_format)(nf::DType stored);
  size_t (*matrix_bytes)(uint32_t out, uint32_t in, nf::DType format);
  void (*pack_matrix)(const nf::Backend::PackSpec& spec, const void* source, std::byte* packed);
  size_t (*kv_page_bytes)(uint32_t page_tokens, uint32_t kv_heads, uint32_t head_dim);
  OpenLane open_lane = open_serial_lane;
  nf::DType product = nf::DType::kF32;  // see ActivationTypes; kernels take fp32 as well
  bool pads = false;                    // steps may have padding rows
};

struct OpCase {
  nf::OpKind kind;
  nf::OpShape shape;
  uint64_t seed;  // of the inputs and of what the shape leaves open: windows, norms, gathers
  nf::DType weight = nf::DType::kPlain;  // the format in which a matrix is stored
};

// A case for a kind of op with weights stored in `weight`.
OpCase random_case(nf::OpKind kind, nf::DType weight, Random& random);

// How the rows of a case are handed to the kernel.
enum class Split {
  kWhole,   // all rows at once, one worker
  kPieces,  // random ranges in random order, three workers
  kMiddle,  // one inner range only
};

struct Output {
  std::vector<float> values;     // what the kernel wrote, row by row
  std::vector<std::byte> bytes;  // the same as stored, with KV pages where it has them
  std::vector<std::byte> state;  // what is kept across steps in a form that all backends share
  nf::DType written = nf::DType::kF32;
  uint32_t rows = 0;      // of values
  nf::RowRange launched;  // rows covered by the split
  bool scratch_intact = true;
};

// The value that rows outside the launched ranges still have.
constexpr float kUntouched = 1234.0f;

Output run_case(const Subject& subject, const nf::Kernel& kernel, const OpCase& c, Split split);

}  // namespace test
