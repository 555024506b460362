// How algorithms of cuBLASLt are chosen, measured, kept and read again, and how libraries are
// looked for.
#include <cuda_runtime.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "cuda/gemm_algorithms.h"
#include "product_world.h"

using nf::DType;
using nf::cuda::GemmAlgorithms;
using nf::cuda::ProductBuffers;
using nf::cuda::ProductKind;
using test::Operands;
using test::Random;
using test::Written;

namespace {

constexpr uint32_t kUnits = 132;
constexpr uint32_t kRows = 12;
const ProductKind kKind{.out = 40, .in = 96, .stride = 40, .units = 8};

std::unique_ptr<GemmAlgorithms> algorithms(bool batch_invariant = false,
                                           const char* device = "Some GPU (tm)") {
  return std::make_unique<GemmAlgorithms>(device, 90, kUnits, batch_invariant);
}

// A folder that is removed with what is in it.
class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("nanoflow-algorithms-" + std::to_string(getpid()))) {
    std::filesystem::remove_all(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

  // Of the only file.
  std::filesystem::path file() const { return std::filesystem::directory_iterator(path_)->path(); }
  std::string text() const {
    std::ostringstream text;
    text << std::ifstream(file()).rdbuf();
    return text.str();
  }
  void replace(const std::string& text) const { std::ofstream(file()) << text; }

 private:
  std::filesystem::path path_;
};

// A product of random operands, with room for the workspace.
class Product {
 public:
  explicit Product(Random& random)
      : a_(random, DType::kBF16, size_t{kRows} * kKind.in, 1.0f),
        weight_(random, DType::kBF16, size_t{kKind.out} * kKind.in, 1.0f),
        workspace_(nf::cuda::kProductWorkspace + 256) {}

  Written run(GemmAlgorithms& from, uint32_t rows, uint32_t units = kKind.units) {
    Written out(DType::kF32, rows, kKind.out);
    ProductKind kind = kKind;
    kind.units = units;
    const auto address = reinterpret_cast<uintptr_t>(workspace_.data());
    const ProductBuffers buffers{a_.data(), weight_.data(), nullptr,
                                 nullptr,   out.data(),     workspace_.data() + (-address & 255)};
    CHECK(from.multiply(kind, rows, buffers, nullptr));
    CHECK(cudaStreamSynchronize(nullptr) == cudaSuccess);
    return out;
  }

  static void tune(GemmAlgorithms& what, uint32_t rows) {
    const size_t bytes = 3 * GemmAlgorithms::tuning_bytes(kKind, rows);
    void* memory = nullptr;
    REQUIRE(cudaMalloc(&memory, bytes) == cudaSuccess);
    what.tune(kKind, rows, {static_cast<std::byte*>(memory), bytes}, nullptr);
    cudaFree(memory);
  }

 private:
  Operands a_;
  Operands weight_;
  test::AlignedBytes workspace_;
};

}  // namespace

TEST("cuda: rows share an algorithm in buckets") {
  using nf::cuda::row_bucket;
  const uint32_t expected[][2] = {{1, 1},     {2, 2},     {3, 4},     {33, 64},    {64, 64},
                                  {65, 96},   {96, 96},   {97, 128},  {129, 192},  {193, 256},
                                  {257, 384}, {385, 512}, {513, 768}, {769, 1024}, {6000, 6144}};
  for (const auto& [rows, bucket] : expected) CHECK_EQ(row_bucket(rows), bucket);
}

TEST("cuda: what was measured is kept and read again, for this device and library alone") {
  Random random(test::seed());
  const Folder folder;
  const auto measured = algorithms();
  CHECK(!measured->load(folder.path()));
  CHECK(!measured->is_measured(kKind, kRows));
  Product product(random);
  product.run(*measured, 1);  // the library's choice for another bucket is not kept
  Product::tune(*measured, kRows);
  CHECK(measured->is_measured(kKind, kRows));
  CHECK(measured->is_measured(kKind, 9));  // the same bucket
  CHECK(!measured->is_measured(kKind, 17));
  measured->save(folder.path());
  CHECK_EQ(folder.file().filename().string(), "cublaslt-120405-Some-GPU--tm--sm90.txt");

  const auto again = algorithms();
  CHECK(again->load(folder.path()));
  CHECK(again->is_measured(kKind, kRows));
  CHECK(!again->is_measured(kKind, 1));
  CHECK(product.run(*again, kRows) == product.run(*measured, kRows));

  CHECK(!algorithms(false, "Some GPU -tm-")->load(folder.path()));  // a file of the same name
  CHECK(!algorithms(false, "Another GPU")->load(folder.path()));
}

TEST("cuda: a file of algorithms that is not sound counts as none") {
  Random random(test::seed());
  const Folder folder;
  const auto measured = algorithms();
  Product::tune(*measured, kRows);
  measured->save(folder.path());
  Product product(random);
  const Written expected = product.run(*measured, kRows);
  const std::string text = folder.text();
  const size_t line = text.find('\n') + 1;
  const std::string broken[] = {"",
                                "nonsense",
                                text.substr(0, line - 2),
                                text.substr(0, text.size() - 6),
                                text + "1 2 3\n",
                                text + std::string(1, '\0'),
                                text.substr(0, line) + "-" + text.substr(line),
                                text.substr(0, line) + "0" + text.substr(text.find(' ', line)),
                                text.substr(0, text.size() - 1) + " 7\n"};
  for (const std::string& other : broken) {
    folder.replace(other);
    const auto reader = algorithms();
    CHECK(!reader->load(folder.path()));
    product.run(*reader, kRows);
  }
}

TEST("cuda: words that the library does not know are replaced by its own choice") {
  Random random(test::seed());
  const Folder folder;
  const auto measured = algorithms();
  Product::tune(*measured, kRows);
  measured->save(folder.path());
  std::string text = folder.text();
  const size_t words = text.rfind(' ') - 7 * 17;  // eight of 16 digits
  text.replace(words, 17, " fedcba9876543210");
  folder.replace(text);
  const auto reader = algorithms();
  CHECK(reader->load(folder.path()));
  Product product(random);
  const auto fresh = algorithms();
  CHECK(product.run(*reader, kRows) == product.run(*fresh, kRows));
}

TEST("cuda: batch-invariant products have the same bits beside any rows and on any units") {
  Random random(test::seed());
  Product product(random);
  const auto invariant = algorithms(true);
  const auto usual = algorithms();
  const Written all = product.run(*invariant, kRows);
  // The library's first choice sums in two halves: the mode must have refused it.
  CHECK(!(all == product.run(*usual, kRows)));
  for (const uint32_t rows : {1u, 2u, 7u, 11u}) {
    for (const uint32_t units : {4u, 8u, kUnits}) {
      const Written some = product.run(*invariant, rows, units);
      for (uint32_t row = 0; row < rows; ++row) {
        CHECK(some.part(row, 0, kKind.out) == all.part(row, 0, kKind.out));
      }
    }
  }
  // What was measured in one mode is not taken in the other.
  const Folder folder;
  Product::tune(*invariant, kRows);
  CHECK(product.run(*invariant, kRows) == all);
  invariant->save(folder.path());
  CHECK(usual->load(folder.path()));
  CHECK(!usual->is_measured(kKind, kRows));
}
