// The rules of the block formats against llama.cpp's own numbers (tests/golden/block_formats.txt).
#include "core/block_formats.h"

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "check.h"

namespace {

std::vector<uint8_t> from_hex(const std::string& text) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

const nf::BlockFormat& format_named(const std::string& name) {
  for (const nf::BlockFormat& format : nf::kBlockFormats) {
    if (format.name == name) return format;
  }
  test::abandon(__FILE__, __LINE__, "no format " + name);
}

}  // namespace

TEST("blocks dequantize to the numbers of llama.cpp, bit by bit") {
  std::ifstream file(NF_REPO_ROOT "/tests/golden/block_formats.txt");
  std::string line;
  int blocks = 0;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string name, block, numbers;
    words >> name >> block >> numbers;
    const nf::BlockFormat& format = format_named(name);
    const std::vector<uint8_t> bytes = from_hex(block);
    const std::vector<uint8_t> expected = from_hex(numbers);
    REQUIRE(bytes.size() == format.bytes && expected.size() == 4 * format.elements);
    float actual[nf::kMaxBlock];
    nf::dequantize_block(format.dtype, bytes.data(), actual);
    if (std::memcmp(actual, expected.data(), expected.size()) != 0) FAIL(line.substr(0, 40));
    ++blocks;
  }
  CHECK_EQ(blocks, 20);
}

TEST("rows that are stored in pairs go back to their places") {
  // Of a group of 6: the pairs are (0, 3), (1, 4), (2, 5).
  const uint32_t expected[] = {0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11};
  for (uint32_t row = 0; row < 12; ++row) CHECK_EQ(nf::unpaired_row(row, 6), expected[row]);
  CHECK_EQ(nf::unpaired_row(7, 0), 7u);
}
