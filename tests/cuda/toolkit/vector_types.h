// The toolkit's vector types, with the alignment they have on a device.
#pragma once

#include <cstdint>

#define NF_VECTOR_2(name, type, alignment) \
  struct alignas(alignment) name {         \
    type x, y;                             \
  };                                       \
  inline name make_##name(type x, type y) { return {x, y}; }
#define NF_VECTOR_3(name, type) \
  struct name {                 \
    type x, y, z;               \
  };                            \
  inline name make_##name(type x, type y, type z) { return {x, y, z}; }
#define NF_VECTOR_4(name, type, alignment) \
  struct alignas(alignment) name {         \
    type x, y, z, w;                       \
  };                                       \
  inline name make_##name(type x, type y, type z, type w) { return {x, y, z, w}; }

NF_VECTOR_2(uchar2, unsigned char, 2)
NF_VECTOR_4(uchar4, unsigned char, 4)
NF_VECTOR_2(short2, short, 4)
NF_VECTOR_4(short4, short, 8)
NF_VECTOR_2(ushort2, unsigned short, 4)
NF_VECTOR_4(ushort4, unsigned short, 8)
NF_VECTOR_2(int2, int, 8)
NF_VECTOR_3(int3, int)
NF_VECTOR_4(int4, int, 16)
NF_VECTOR_2(uint2, unsigned, 8)
NF_VECTOR_3(uint3, unsigned)
NF_VECTOR_4(uint4, unsigned, 16)
NF_VECTOR_2(longlong2, long long, 16)
NF_VECTOR_2(ulonglong2, unsigned long long, 16)
NF_VECTOR_2(float2, float, 8)
NF_VECTOR_3(float3, float)
NF_VECTOR_4(float4, float, 16)
NF_VECTOR_2(double2, double, 16)

#undef NF_VECTOR_2
#undef NF_VECTOR_3
#undef NF_VECTOR_4

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned in_x = 1, unsigned in_y = 1, unsigned in_z = 1)
      : x(in_x), y(in_y), z(in_z) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};
