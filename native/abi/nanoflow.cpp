// The bodies of the C ABI: guard, convert, forward; nothing else.

#include "nanoflow.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "abi/backends.h"
#include "abi/describe.h"
#include "abi/engine.h"
#include "abi/kernel_bench.h"
#include "core/check.h"

struct nf_engine {
  nf::Engine engine;
};

struct nf_kernel_bench {
  nf::bench::KernelBench bench;
};

// A program belongs to its engine; the handle is its address.
struct nf_program;

namespace {

// Of fixed size: the error of memory that is out must not need any.
thread_local char last_error[1024];

nf_status fail(nf_status status, const char* message) noexcept {
  std::snprintf(last_error, sizeof(last_error), "%s", message);
  return status;
}

template <typename Body>
nf_status guard(Body&& body) {
  try {
    body();
    return NF_OK;
  } catch (const nf::Error& error) {
    return fail(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(NF_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return fail(NF_INTERNAL, error.what());
  } catch (...) {
    return fail(NF_INTERNAL, "unknown exception");
  }
}

void require(const void* pointer, const char* name) {
  NF_CHECK(pointer != nullptr, NF_INVALID_ARGUMENT, std::string(name) + " is NULL");
}

// A struct as this library knows it: what an older caller did not write is zero.
template <typename T>
T read_struct(const T* source, const char* name) {
  require(source, name);
  NF_CHECK(source->struct_size >= sizeof(uint32_t), NF_INVALID_ARGUMENT,
           std::string(name) + ": struct_size is not set");
  T copy{};
  std::memcpy(&copy, source, std::min<size_t>(source->struct_size, sizeof(T)));
  return copy;
}

// Writes what the caller's version of the struct has room for.
template <typename T>
void write_struct(const T& value, T* out, const char* name) {
  require(out, name);
  const uint32_t size = out->struct_size;
  NF_CHECK(size >= sizeof(uint32_t), NF_INVALID_ARGUMENT,
           std::string(name) + ": struct_size is not set");
  std::memcpy(out, &value, std::min<size_t>(size, sizeof(T)));
  out->struct_size = size;
}

nf::Program* program_of(nf_program* program) { return reinterpret_cast<nf::Program*>(program); }

}  // namespace

uint32_t nf_abi_version(void) { return NF_ABI_VERSION; }

const char* nf_last_error(void) { return last_error; }

nf_status nf_memory_plan(const nf_engine_options* options, const nf_model_spec* spec,
                         nf_memory* out) {
  return guard([&] {
    require(out, "out");
    *out = nf::Engine::plan_memory(read_struct(options, "options"), read_struct(spec, "spec"));
  });
}

nf_status nf_engine_create(const nf_engine_options* options, const nf_model_spec* spec,
                           nf_engine** out) {
  return guard([&] {
    require(out, "out");
    *out = nullptr;
    *out = new nf_engine{{read_struct(options, "options"), read_struct(spec, "spec")}};
  });
}

void nf_engine_destroy(nf_engine* engine) { delete engine; }

nf_status nf_device_describe(const nf_engine* engine, nf_device_info* out) {
  return guard([&] {
    require(engine, "engine");
    write_struct(engine->engine.device(), out, "out");
  });
}

nf_status nf_device_probe(uint32_t device_kind, uint32_t device_index, nf_device_info* out) {
  return guard([&] {
    require(out, "out");
    write_struct(nf::probe_device(device_kind, device_index), out, "out");
  });
}

nf_status nf_weight_count(const nf_engine* engine, uint32_t* count) {
  return guard([&] {
    require(engine, "engine");
    require(count, "count");
    *count = engine->engine.weights().count();
  });
}

nf_status nf_weight_describe(const nf_engine* engine, uint32_t index, nf_weight_info* out) {
  return guard([&] {
    require(engine, "engine");
    require(out, "out");
    engine->engine.weights().describe(index, *out);
  });
}

nf_status nf_weight_load(nf_engine* engine, uint32_t index, const nf_tensor_source* source) {
  return guard([&] {
    require(engine, "engine");
    engine->engine.weights().load(index, read_struct(source, "source"));
  });
}

nf_status nf_engine_ready(nf_engine* engine) {
  return guard([&] {
    require(engine, "engine");
    engine->engine.make_ready();
  });
}

nf_status nf_graph_ops(const nf_engine* engine, nf_op_info* out, uint32_t capacity,
                       uint32_t* count) {
  return guard([&] {
    require(engine, "engine");
    require(count, "count");
    const nf::Graph& graph = engine->engine.graph();
    uint32_t index = 0;
    for (uint32_t segment = 0; segment < 3; ++segment) {
      const auto& ops = graph.ops(static_cast<nf_segment>(segment));
      for (uint32_t op = 0; op < ops.size(); ++op, ++index) {
        if (index >= capacity) continue;
        require(out, "out");
        out[index] = nf::describe_op(engine->engine, static_cast<nf_segment>(segment), op);
      }
    }
    *count = index;
  });
}

nf_status nf_graph_describe(const nf_engine* engine, nf_graph_info* out) {
  return guard([&] {
    require(engine, "engine");
    write_struct(nf::describe_graph(engine->engine), out, "out");
  });
}

nf_status nf_program_create(nf_engine* engine, const nf_plan* plan, nf_program** out) {
  return guard([&] {
    require(engine, "engine");
    require(out, "out");
    *out = nullptr;
    nf::Program& program = engine->engine.create_program(read_struct(plan, "plan"));
    *out = reinterpret_cast<nf_program*>(&program);
  });
}

void nf_program_destroy(nf_engine* engine, nf_program* program) {
  if (engine != nullptr && program != nullptr) engine->engine.destroy_program(program_of(program));
}

nf_status nf_step_map(nf_engine* engine, uint32_t slot, nf_step_buffers* out) {
  return guard([&] {
    require(engine, "engine");
    require(out, "out");
    engine->engine.map(slot, *out);
  });
}

nf_status nf_step_submit(nf_engine* engine, uint32_t slot, nf_program* program,
                         const nf_step_shape* shape) {
  return guard([&] {
    require(engine, "engine");
    require(program, "program");
    require(shape, "shape");
    engine->engine.submit(slot, *program_of(program), *shape);
  });
}

nf_status nf_step_release(nf_engine* engine, uint32_t slot) {
  return guard([&] {
    require(engine, "engine");
    engine->engine.release(slot);
  });
}

nf_status nf_step_wait(nf_engine* engine, uint32_t slot, uint32_t timeout_us, nf_step_result* out) {
  nf_status status = NF_OK;
  const nf_status guarded = guard([&] {
    require(engine, "engine");
    require(out, "out");
    if (!engine->engine.wait(slot, timeout_us, *out)) {
      status = fail(NF_TIMEOUT, "the step has not completed yet");
    }
  });
  return guarded == NF_OK ? status : guarded;
}

nf_status nf_measure(nf_engine* engine, uint32_t slot, nf_program* program,
                     const nf_step_shape* shape, nf_measure_item* items, uint32_t num_items,
                     uint32_t minimum_us, uint32_t minimum_count) {
  return guard([&] {
    require(engine, "engine");
    require(program, "program");
    require(shape, "shape");
    require(items, "items");
    engine->engine.measure(slot, *program_of(program), *shape, {items, num_items},
                           {minimum_us, minimum_count});
  });
}

nf_status nf_trace_start(nf_engine* engine, uint32_t max_spans) {
  return guard([&] {
    require(engine, "engine");
    engine->engine.start_trace(max_spans);
  });
}

nf_status nf_trace_read(nf_engine* engine, nf_span* out, uint32_t capacity, uint32_t* count,
                        uint64_t* dropped) {
  return guard([&] {
    require(engine, "engine");
    if (capacity > 0) require(out, "out");
    require(count, "count");
    require(dropped, "dropped");
    *count = engine->engine.read_trace({out, capacity}, *dropped);
  });
}

nf_status nf_trace_stop(nf_engine* engine) {
  return guard([&] {
    require(engine, "engine");
    engine->engine.stop_trace();
  });
}

nf_status nf_step_logits(nf_engine* engine, uint32_t slot, uint32_t sample, float* out,
                         uint32_t capacity) {
  return guard([&] {
    require(engine, "engine");
    require(out, "out");
    engine->engine.copy_logits(slot, sample, out, capacity);
  });
}

nf_status nf_sequence_pooled(nf_engine* engine, uint32_t sequence_slot, float* out,
                             uint32_t capacity) {
  return guard([&] {
    require(engine, "engine");
    require(out, "out");
    engine->engine.copy_pooled(sequence_slot, out, capacity);
  });
}

nf_status nf_kernel_bench_create(const nf_kernel_bench_options* options, nf_kernel_bench** out) {
  return guard([&] {
    require(out, "out");
    *out = nullptr;
    *out = new nf_kernel_bench{
        nf::bench::KernelBench(nf::bench_options(read_struct(options, "options")))};
  });
}

void nf_kernel_bench_destroy(nf_kernel_bench* bench) { delete bench; }

nf_status nf_kernel_bench_count(const nf_kernel_bench* bench, uint32_t* count) {
  return guard([&] {
    require(bench, "bench");
    require(count, "count");
    *count = static_cast<uint32_t>(bench->bench.cases().size());
  });
}

nf_status nf_kernel_bench_case(const nf_kernel_bench* bench, uint32_t index, nf_kernel_case* out) {
  return guard([&] {
    require(bench, "bench");
    write_struct(nf::describe_case(bench->bench, index), out, "out");
  });
}

nf_status nf_kernel_bench_run(nf_kernel_bench* bench, uint32_t index, uint32_t minimum_us,
                              uint32_t minimum_count, nf_kernel_times* out) {
  return guard([&] {
    require(bench, "bench");
    require(out, "out");
    *out = nf::run_case(bench->bench, index, minimum_us, minimum_count);
  });
}

nf_status nf_kernel_bench_peaks(nf_kernel_bench* bench, uint32_t minimum_us, uint32_t minimum_count,
                                nf_peaks* out) {
  return guard([&] {
    require(bench, "bench");
    require(out, "out");
    *out = nf::measure_peaks(bench->bench, minimum_us, minimum_count);
  });
}
