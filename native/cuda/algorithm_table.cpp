#include "cuda/algorithm_table.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <vector>

#include "core/check.h"

namespace nf::cuda {
namespace {

constexpr size_t kWords = std::size(cublasLtMatmulAlgo_t{}.data);
constexpr uint32_t kMaxDim = 1u << 30;

std::string header(const AlgorithmOrigin& origin) {
  std::ostringstream text;
  text << "nanoflow cublaslt algorithms 1, library " << origin.library << ", sm"
       << origin.compute_capability << ", " << origin.device;
  return text.str();
}

std::string line_of(const ProductKey& key, const KeptAlgorithm& algorithm) {
  const ProductKind& kind = key.kind;
  std::ostringstream text;
  text << kind.out << ' ' << kind.in << ' ' << kind.stride << ' ' << key.rows << ' ' << kind.units
       << ' ' << int(kind.operand) << ' ' << int(kind.out_dtype) << ' ' << kind.bias << ' '
       << kind.residual << std::hex << std::setfill('0');
  for (const uint64_t word : algorithm.words.data) text << ' ' << std::setw(16) << word;
  return text.str();
}

bool is_sound(const ProductKind& kind) {
  const bool operand = kind.operand == DType::kBF16 || kind.operand == DType::kF16;
  const bool out = kind.out_dtype == DType::kF32 || kind.out_dtype == kind.operand;
  return operand && out && kind.out > 0 && kind.out <= kind.stride && kind.stride <= kMaxDim &&
         kind.in > 0 && kind.in <= kMaxDim;
}

bool is_word(const std::string& text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool parse_line(const std::string& line, ProductKey& key, KeptAlgorithm& algorithm) {
  std::istringstream text(line);
  ProductKind& kind = key.kind;
  uint32_t operand = 0;
  uint32_t out_dtype = 0;
  text >> kind.out >> kind.in >> kind.stride >> key.rows >> kind.units >> operand >> out_dtype >>
      kind.bias >> kind.residual;
  for (uint64_t& word : algorithm.words.data) {
    std::string digits;
    if (!(text >> digits) || !is_word(digits)) return false;
    word = std::stoull(digits, nullptr, 16);
  }
  std::string rest;
  if (!text || text >> rest || operand > 0xff || out_dtype > 0xff) return false;
  kind.operand = DType(operand);
  kind.out_dtype = DType(out_dtype);
  algorithm.exists = true;
  algorithm.measured = true;
  algorithm.checked = false;
  return is_sound(kind);
}

}  // namespace

size_t ProductKeyHash::operator()(const ProductKey& key) const {
  const ProductKind& kind = key.kind;
  const uint64_t words[] = {
      uint64_t{kind.out} << 32 | kind.in, uint64_t{kind.stride} << 32 | kind.units,
      uint64_t{key.rows} << 32 | uint64_t(kind.operand) << 24 | uint64_t(kind.out_dtype) << 16 |
          uint64_t{kind.bias} << 1 | uint64_t{kind.residual}};
  uint64_t hash = 0;
  for (const uint64_t word : words) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    hash ^= hash >> 29;
  }
  return hash;
}

std::string AlgorithmOrigin::file_name() const {
  std::string name = device;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '-';
  }
  return "cublaslt-" + std::to_string(library) + "-" + name + "-sm" +
         std::to_string(compute_capability) + ".txt";
}

AlgorithmTable read_algorithms(const std::filesystem::path& folder, const AlgorithmOrigin& origin) {
  std::ifstream file(folder / origin.file_name());
  std::string line;
  if (!std::getline(file, line) || line != header(origin)) return {};
  AlgorithmTable table;
  while (std::getline(file, line)) {
    ProductKey key;
    KeptAlgorithm algorithm;
    if (!parse_line(line, key, algorithm)) return {};
    table[key] = algorithm;
  }
  return table;
}

void write_algorithms(const std::filesystem::path& folder, const AlgorithmOrigin& origin,
                      const AlgorithmTable& table) {
  std::vector<std::string> lines;
  for (const auto& [key, algorithm] : table) {
    if (algorithm.exists && algorithm.measured) lines.push_back(line_of(key, algorithm));
  }
  std::sort(lines.begin(), lines.end());

  const std::filesystem::path path = folder / origin.file_name();
  const std::filesystem::path draft = path.string() + "." + std::to_string(getpid());
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  {
    std::ofstream file(draft, std::ios::trunc);
    file << header(origin) << '\n';
    for (const std::string& line : lines) file << line << '\n';
    file.close();
    NF_CHECK(file, NF_IO, "cannot write " + draft.string());
  }
  std::filesystem::rename(draft, path, error);
  NF_CHECK(!error, NF_IO, "cannot write " + path.string() + ": " + error.message());
}

}  // namespace nf::cuda
