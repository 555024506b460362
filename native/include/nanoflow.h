/* The C ABI of NanoFlow's native core: the only contract between the control plane and the kernels.
 *
 * Rules. Handles are opaque. Every call returns a status; the message of a failure stays on the
 * calling thread until its next nf_ call. Structs hold fixed-width members only; those that may
 * grow start with struct_size (sizeof as the caller was compiled), grow at the end, and zero means
 * default. No callback, no exception and no allocation crosses this border on the step path.
 *
 * A step is one pass of a batch through the model. Its rows are the tokens of its sequences in
 * order: first the decode sequences (one row each), then the prefill chunks. Data of a step are
 * written in place into the buffers of a slot (nf_step_map); slots let step n+1 be written while
 * step n runs. */
#ifndef NANOFLOW_H
#define NANOFLOW_H

#include <stdint.h>

#if defined(_WIN32)
#if defined(NF_BUILD)
#define NF_API __declspec(dllexport)
#else
#define NF_API __declspec(dllimport)
#endif
#else
#define NF_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A loader refuses a library whose major version differs. */
enum nf_version { NF_ABI_VERSION = 1 };

/* Fixed limits of the contract. */
enum nf_limit {
  NF_MAX_SLOTS = 4,          /* steps in flight or being written */
  NF_MAX_LOGPROBS = 20,      /* alternatives reported for one sampled token (the OpenAI limit) */
  NF_MAX_BIAS = 1024,        /* logit_bias entries of one sequence */
  NF_MAX_LANES = 16,         /* lanes of one plan */
  NF_MAX_NANO_OPS = 4096,    /* nano-ops of one plan */
  NF_MAX_ORDER_EDGES = 4096, /* order edges of one plan */
  NF_MAX_RANK = 4,           /* dimensions of a weight tensor */
  NF_MAX_READS = 4,          /* tensors that an op reads */
  NF_MAX_EXPERTS = 512,      /* experts of a layer */
  NF_MAX_EXPERTS_PER_TOKEN = 32
};

typedef enum nf_status {
  NF_OK = 0,
  NF_INVALID_ARGUMENT = 1, /* the caller's bug; the message names the argument */
  NF_INVALID_PLAN = 2,     /* the plan does not cover or order the graph */
  NF_UNSUPPORTED = 3,      /* a fine request, but no kernel or builder for it here */
  NF_OUT_OF_MEMORY = 4,
  NF_IO = 5,
  NF_TIMEOUT = 6,     /* nf_step_wait only: call it again */
  NF_DEVICE_LOST = 7, /* sticky: only destroy is allowed afterwards */
  NF_INTERNAL = 8
} nf_status;

typedef enum nf_device_kind {
  NF_DEVICE_REFERENCE = 0,
  NF_DEVICE_CPU = 1,
  NF_DEVICE_CUDA = 2
} nf_device_kind;

/* The block formats are those of GGUF files, byte by byte: blocks run along the reduced dimension.
 */
typedef enum nf_dtype {
  NF_DTYPE_F32 = 1,
  NF_DTYPE_F16 = 2,
  NF_DTYPE_BF16 = 3,
  NF_DTYPE_I8 = 4,    /* one byte; the scale of each row stands apart (nf_tensor_source.scales) */
  NF_DTYPE_Q8_0 = 16, /* 32 elements in 34 bytes: fp16 scale, int8 values */
  NF_DTYPE_Q4_0 = 17, /* 32 elements in 18 bytes: fp16 scale, 4-bit values less 8 */
  NF_DTYPE_Q4_K = 18, /* 256 elements in 144 bytes: 8 sub-blocks with 6-bit scale and minimum */
  NF_DTYPE_Q6_K = 19  /* 256 elements in 210 bytes: 16 sub-blocks with 8-bit scale */
} nf_dtype;

typedef enum nf_rope_scaling {
  NF_ROPE_SCALING_NONE = 0,
  NF_ROPE_SCALING_LINEAR = 1,
  NF_ROPE_SCALING_LLAMA3 = 2,
  NF_ROPE_SCALING_FACTORS = 3 /* every frequency is divided by a factor of its own */
} nf_rope_scaling;

typedef enum nf_model_flag {
  NF_MODEL_TIED_EMBEDDINGS = 1, /* the LM head is the embedding table */
  /* Where the architecture leaves them open: */
  NF_MODEL_ATTENTION_BIAS = 2, /* q, k, v and o projections have a bias */
  NF_MODEL_MLP_BIAS = 4,       /* gate, up and down projections have a bias */
  NF_MODEL_NORM_TOPK = 8,      /* the weights of a token's experts are scaled to a sum of 1 */
  /* Matrices are kept as int8 with a scale for each output, whatever they are stored as, and what
   * they are multiplied with is rounded to int8 row by row: all of the layers, and the LM head
   * (with tied embeddings the embedding table is the same one). Not with experts or formats. */
  NF_MODEL_INT8_LAYERS = 16,
  NF_MODEL_INT8_HEAD = 32
} nf_model_flag;

/* A weight that is stored, and kept in memory, in a block format. */
typedef struct nf_tensor_format {
  const char* name; /* as nf_weight_describe reports it; UTF-8 */
  uint32_t dtype;   /* nf_dtype */
  uint32_t reserved;
} nf_tensor_format;

/* What a model is, read from its configuration by the caller. */
typedef struct nf_model_spec {
  uint32_t struct_size;
  uint32_t flags;           /* nf_model_flag bits */
  const char* architecture; /* e.g. "LlamaForCausalLM"; "echo" needs no weights; UTF-8, copied */
  uint32_t num_layers;
  uint32_t hidden;
  uint32_t intermediate;
  uint32_t num_heads;
  uint32_t num_kv_heads; /* divides num_heads */
  uint32_t head_dim;     /* even, at most 256 */
  uint32_t vocab;
  uint32_t rope_scaling; /* nf_rope_scaling */
  double rope_theta;
  float rms_norm_eps;
  float rope_factor;
  float rope_low_freq_factor;
  float rope_high_freq_factor;
  uint32_t rope_original_positions;
  uint32_t reserved;
  /* [num_layers] or NULL, copied: how many tokens a row attends in each layer, itself included and
   * the latest first; 0: all */
  const uint32_t* layer_windows;
  /* NF_ROPE_SCALING_FACTORS: [head_dim / 2] each, copied. The long ones hold for every row of a
   * sequence with NF_SEQUENCE_LONG_ROPE; NULL: there are none. */
  const float* rope_short_factors;
  const float* rope_long_factors;
  float rope_attention_factor; /* cos and sin are multiplied by it; 0: 1 */
  float attention_softcap;     /* scores become cap * tanh(score / cap); 0: they stay */
  float logit_softcap;         /* the same for logits */
  float query_scale;           /* of q before attention; 0: 1 / sqrt(head_dim) */
  float embedding_scale;       /* of embedding rows; 0: 1 */
  uint32_t num_experts;        /* of a mixture-of-experts layer; 0: the layers are dense */
  uint32_t experts_per_token;
  uint32_t expert_intermediate;
  /* [num_formats], copied: the weights in block formats; all others are packed as the backend likes
   * best */
  const nf_tensor_format* formats;
  uint32_t num_formats;
  uint32_t reserved2;
} nf_model_spec;

typedef struct nf_engine_options {
  uint32_t struct_size;
  uint32_t device_kind;   /* nf_device_kind */
  uint32_t num_threads;   /* CPU units; 0: what affinity and the cgroup quota allow */
  uint32_t max_step_rows; /* rows of a step; every buffer is sized by this */
  uint32_t max_sequences; /* sequences of a step and slots for their state */
  uint32_t max_positions; /* longest sequence in tokens; bounds the RoPE table and page tables */
  uint32_t page_tokens;   /* tokens of a KV page: 16, 32, 64 or 128 */
  uint32_t num_pages;     /* KV pages to allocate */
  uint32_t num_slots;     /* 1 .. NF_MAX_SLOTS */
  uint32_t flags;         /* nf_engine_flag bits */
  uint32_t operand_dtype; /* CUDA: NF_DTYPE_BF16 or NF_DTYPE_F16; 0: bf16 */
  uint32_t device_index;  /* of the devices of this kind */
  /* UTF-8, copied: where choices that were measured are kept for the next start; NULL: nowhere */
  const char* cache_folder;
} nf_engine_options;

typedef enum nf_engine_flag {
  /* A row's results do not depend on what it is computed with. The CPU always does that. */
  NF_ENGINE_BATCH_INVARIANT = 1
} nf_engine_flag;

/* Where memory would go: all figures in bytes. Nothing is allocated. */
typedef struct nf_memory {
  uint64_t weights;        /* packed */
  uint64_t arena;          /* activations, for every plan of the engine */
  uint64_t kv_page;        /* one page, all layers */
  uint64_t sampling;       /* penalty counts and pooled states (touched only when used) */
  uint64_t steps;          /* the buffers of all slots and the RoPE table */
  uint64_t largest_tensor; /* the biggest source tensor that is mapped while packing */
} nf_memory;

typedef struct nf_device_info {
  uint32_t struct_size;
  uint32_t device_kind;
  uint32_t num_units;    /* execution units that partitions share: worker threads, or SMs */
  uint32_t row_tile;     /* scaled plan ranges are rounded to this many rows */
  char name[64];         /* e.g. "cpu" */
  char isa[32];          /* instruction set the kernels were chosen for, e.g. "avx512bf16" */
  char reason[128];      /* why that one */
  char processor[64];    /* the model of the processor as it names itself, or "unknown" */
  uint32_t flags;        /* nf_device_flag bits */
  uint32_t unit_step;    /* a disjoint partition has a multiple of so many units, or all of them */
  uint64_t memory_total; /* bytes of the device's own memory; 0: it uses the host's */
  uint64_t memory_free;  /* of it, before the engine took any */
  char libraries[128];   /* what the device needs of the system, with versions; may be empty */
} nf_device_info;

typedef enum nf_device_flag {
  NF_DEVICE_DISJOINT_PARTITIONS = 1, /* it has the hard split */
  /* Soft split: units of nano-ops that run at the same time may add up to more than num_units. */
  NF_DEVICE_MAY_EXCEED_UNITS = 2
} nf_device_flag;

/* One tensor the model needs. shape is as the checkpoint stores it: a matrix is [out, in]. */
typedef struct nf_weight_info {
  char name[128];
  uint32_t rank;
  uint32_t reserved;
  uint64_t shape[4];
} nf_weight_info;

/* Where the bytes of a tensor are. */
typedef struct nf_tensor_source {
  uint32_t struct_size;
  uint32_t dtype;     /* nf_dtype of the stored elements */
  const char* path;   /* file, UTF-8; NULL: the bytes are at data */
  const void* data;   /* read only during the call */
  uint64_t offset;    /* bytes from the start of the file */
  uint64_t num_bytes; /* must equal elements x element size */
  /* Rows of every group of so many stand in the order 0, n/2, 1, n/2 + 1, ... (GGUF's order of q
   * and k heads); 0: in their own order */
  uint32_t paired_rows;
  uint32_t reserved;
  /* NF_DTYPE_I8, which only weights that are kept as int8 take: [rows] what the elements of each
   * stored row are multiplied with, positive or 0. Else NULL. */
  const float* scales;
} nf_tensor_source;

typedef enum nf_segment {
  NF_SEGMENT_PROLOGUE = 0,
  NF_SEGMENT_LAYER = 1,
  NF_SEGMENT_EPILOGUE = 2
} nf_segment;

typedef enum nf_resource {
  NF_RESOURCE_COMPUTE = 0,
  NF_RESOURCE_MEMORY = 1,
  NF_RESOURCE_NETWORK = 2
} nf_resource;

/* What the rows of an op, and the row ranges of its nano-ops, count. */
typedef enum nf_row_space {
  NF_ROWS_TOKEN = 0,  /* rows of the step */
  NF_ROWS_SAMPLE = 1, /* sampled rows */
  NF_ROWS_SEQUENCE = 2
} nf_row_space;

/* Which of those rows it works on. */
typedef enum nf_row_part { NF_PART_ALL = 0, NF_PART_DECODE = 1, NF_PART_PREFILL = 2 } nf_row_part;

/* Which rows of a tensor the rows [b, e) of a reader need. */
typedef enum nf_reach {
  NF_REACH_SAME = 0,   /* [b, e) */
  NF_REACH_PREFIX = 1, /* [0, e) */
  NF_REACH_ALL = 2
} nf_reach;

typedef struct nf_read {
  uint16_t tensor; /* index among the tensors of the graph */
  uint16_t reach;  /* nf_reach */
} nf_read;

/* A node of the model's graph; nano-ops name it by (segment, index in segment). Its work says what
 * it would cost a device without overheads: one multiply-add is two FLOPs, and other ops than
 * matrix products and attention count one for each element of their results. */
typedef struct nf_op_info {
  char name[32]; /* unique in its segment, e.g. "gate_up" */
  char kind[32]; /* e.g. "gemm" */
  uint32_t segment;
  uint32_t index;
  uint32_t resource;    /* nf_resource: what mostly bounds it */
  uint32_t num_kernels; /* kernel rows of this backend that can run it */
  uint32_t row_space;   /* nf_row_space */
  uint32_t row_part;    /* nf_row_part */
  uint32_t num_reads;
  nf_read reads[NF_MAX_READS];
  uint16_t writes[2];   /* tensors; 0xffff: none */
  double row_flops;     /* of a row, without attended tokens */
  double row_bytes;     /* activations that a row reads and writes */
  double weight_bytes;  /* read once a launch: mean of the layers, as packed, of all experts */
  double context_flops; /* of a row and one token that it attends */
  double context_bytes; /* the keys and values of that token, as a page has them */
} nf_op_info;

typedef struct nf_graph_info {
  uint32_t struct_size;
  uint32_t num_layers;
  uint64_t hash; /* of the graph with its shapes and dtypes: a plan file names it */
  uint32_t num_tensors;
  /* A lane enters layer l + run_ahead_ticks only when all lanes have finished layer l. */
  uint32_t run_ahead_ticks;
  uint16_t carry_in;  /* tensor that the prologue writes and layer 0 reads; 0xffff: none */
  uint16_t carry_out; /* tensor of a layer that the next one reads as carry_in, and the epilogue */
  uint32_t reserved;
} nf_graph_info;

typedef enum nf_partition_kind {
  NF_PARTITION_SHARED =
      0, /* soft split: lanes float over all units; together they may exceed them */
  NF_PARTITION_DISJOINT =
      1 /* hard split: units [first_unit, first_unit + num_units) and no others */
} nf_partition_kind;

typedef struct nf_partition {
  uint16_t kind; /* nf_partition_kind */
  uint16_t first_unit;
  uint16_t num_units;
  uint16_t reserved;
} nf_partition;

typedef struct nf_lane {
  uint16_t partition;
  uint16_t reserved;
} nf_lane;

/* Op x rows x lane x kernel: the unit of scheduling. Rows are in shares of the plan's step_rows: a
 * step of another size scales them, so one plan serves every step up to its bucket. */
typedef struct nf_nano_op {
  uint16_t segment; /* nf_segment */
  uint16_t op;      /* index in the segment */
  uint16_t lane;
  uint16_t kernel; /* row among the kernels of that op; 0 is the default */
  uint16_t units;  /* share of the lane's units; 0: all of them */
  uint16_t reserved;
  uint32_t row_begin;
  uint32_t row_end;
} nf_nano_op;

typedef enum nf_order { NF_ORDER_AFTER_FINISH = 0, NF_ORDER_AFTER_START = 1 } nf_order;

/* "later" is not launched before "earlier" has finished (or started). Adds order, never
 * correctness. Both are indices into nano_ops of one segment, and earlier < later. */
typedef struct nf_order_edge {
  uint16_t earlier;
  uint16_t later;
  uint16_t kind; /* nf_order */
  uint16_t reserved;
} nf_order_edge;

/* Pure data: how a step is executed. nano_ops stand in issue order, segment by segment. */
typedef struct nf_plan {
  uint32_t struct_size;
  uint32_t step_rows; /* the denominator of all row ranges */
  uint32_t num_partitions;
  uint32_t num_lanes;
  uint32_t num_nano_ops;
  uint32_t num_order_edges;
  const nf_partition* partitions;
  const nf_lane* lanes;
  const nf_nano_op* nano_ops;
  const nf_order_edge* order_edges;
} nf_plan;

typedef enum nf_sequence_flag {
  NF_SEQUENCE_SAMPLE = 1, /* sample a token after the last row of this sequence */
  NF_SEQUENCE_RESET = 2,  /* the slot has a new owner: forget its penalty counts */
  NF_SEQUENCE_COUNT = 4,  /* keep penalty counts for this sequence's tokens */
  /* Every row of this sequence in the step is a sample, not only the last one. */
  NF_SEQUENCE_SAMPLE_ALL = 8,
  /* Its hidden states after the last norm are pooled (nf_sequence_pooled): that of its first token,
   * of the last row so far, or the mean of all rows. At most one of the three. */
  NF_SEQUENCE_POOL_FIRST = 16,
  NF_SEQUENCE_POOL_LAST = 32,
  NF_SEQUENCE_POOL_MEAN = 64,
  NF_SEQUENCE_LONG_ROPE = 128 /* its rows are rotated with rope_long_factors */
} nf_sequence_flag;

/* One sequence's part of a step. No two sequences of a step have the same slot, and a page that a
 * step writes to is in the table of one sequence only; whole pages before the first row are only
 * read and may be in several. */
typedef struct nf_sequence {
  uint32_t slot;          /* [0, max_sequences): names its last token and penalty counts */
  uint32_t row_count;     /* rows in this step, at least 1 */
  uint32_t position;      /* position of its first row: tokens that the KV pages already hold */
  uint32_t page_begin;    /* its page table is pages[page_begin .. page_begin + page_count) */
  uint32_t page_count;    /* covers position + row_count tokens */
  uint32_t prompt_tokens; /* tokens at positions from here on count as output for penalties */
  uint32_t flags;         /* nf_sequence_flag bits */
  uint32_t reserved;
} nf_sequence;

typedef enum nf_sampling_flag {
  NF_SAMPLING_MASK = 1, /* only tokens whose bit is set in this sample's mask row are allowed */
  NF_SAMPLING_SCORE = 2 /* nothing is drawn: the result is `target` with its log-probability */
} nf_sampling_flag;

/* How one token is drawn. Samples stand in the order of the rows they follow: one after the last
 * row of a sequence with NF_SEQUENCE_SAMPLE, one after each row with NF_SEQUENCE_SAMPLE_ALL. A step
 * has at most max_sequences of them. */
typedef struct nf_sampling {
  float temperature;        /* 0: greedy */
  float top_p;              /* (0, 1]; 1: off */
  float min_p;              /* [0, 1]; 0: off */
  float repetition_penalty; /* > 0; 1: off */
  float presence_penalty;
  float frequency_penalty;
  uint32_t top_k;        /* 0: off */
  uint32_t num_logprobs; /* alternatives to report, up to NF_MAX_LOGPROBS */
  uint64_t seed;         /* with the token's position it fixes the random number */
  uint32_t bias_begin;   /* its logit biases are bias[bias_begin .. bias_begin + bias_count) */
  uint32_t bias_count;
  uint32_t flags; /* nf_sampling_flag bits */
  uint32_t target;
} nf_sampling;

typedef struct nf_bias {
  uint32_t token;
  float bias; /* added to the logit */
} nf_bias;

/* The buffers of a slot: written by the caller between nf_step_wait and nf_step_submit (sampling,
 * bias and masks until nf_step_release). They stay where they are for the life of the engine. */
typedef struct nf_step_buffers {
  int32_t* tokens;        /* [max_step_rows]; -1: the last token sampled for the sequence's slot */
  nf_sequence* sequences; /* [max_sequences] */
  uint32_t* pages;        /* [pages_capacity] */
  nf_sampling* sampling;  /* [max_sequences] */
  nf_bias* bias;          /* [max_sequences * NF_MAX_BIAS] */
  uint32_t* masks; /* [max_sequences, mask_words]; bit t % 32 of word t / 32 allows token t */
  uint32_t mask_words;
  uint32_t pages_capacity;
} nf_step_buffers;

typedef struct nf_step_shape {
  uint32_t num_sequences; /* at least 1 */
  uint32_t num_decode;    /* the first num_decode sequences have one row each and come first */
  uint32_t num_rows;      /* sum of row_count */
  uint32_t num_pages;     /* entries used in pages[] */
} nf_step_shape;

/* Valid until the next submit on the same slot. */
typedef struct nf_step_result {
  const int32_t* tokens;     /* [num_samples]; -1: no logit of this row was finite */
  const float* logprobs;     /* [num_samples] of the sampled token, from the unmodified logits */
  const int32_t* top_tokens; /* [num_samples, NF_MAX_LOGPROBS], best first */
  const float* top_logprobs; /* [num_samples, NF_MAX_LOGPROBS] */
  uint32_t num_samples;
  uint32_t
      device_us; /* from the first launch to the last completion, without the wait for release */
} nf_step_result;

/* A nano-op to measure, and where its times go. */
typedef struct nf_measure_item {
  uint32_t nano_op;  /* index in the plan; at most one of a lane */
  uint32_t capacity; /* of times_us: minimum_count .. 65536 */
  float* times_us;   /* [capacity] of its executions in order, from bound arguments to results */
  uint32_t count;    /* out: how many were written */
  uint32_t reserved;
} nf_measure_item;

/* One execution of a nano-op in a step. Times are of one steady clock, in nanoseconds. */
typedef struct nf_span {
  uint64_t arrived_ns; /* its turn had come on its lane; until begin_ns it waited for others */
  uint64_t begin_ns;
  uint64_t end_ns;
  uint32_t tick; /* 0: prologue, 1 + l: layer l, num_layers + 1: epilogue */
  uint16_t nano_op;
  uint16_t lane;
} nf_span;

typedef struct nf_engine nf_engine;   /* one device, one model, its KV pages */
typedef struct nf_program nf_program; /* a plan bound to an engine */

/* Any thread. */
NF_API uint32_t nf_abi_version(void);
/* Of this thread; valid until its next nf_ call; never NULL. */
NF_API const char* nf_last_error(void);

/* Any thread. What an engine with these options would take (options->num_pages is ignored). */
NF_API nf_status nf_memory_plan(const nf_engine_options* options, const nf_model_spec* spec,
                                nf_memory* out);
/* Any thread. Allocates everything; weights are loaded next. *out is the caller's to destroy. */
NF_API nf_status nf_engine_create(const nf_engine_options* options, const nf_model_spec* spec,
                                  nf_engine** out);
/* Any thread, once, after the last step has been waited for. NULL is fine. Frees its programs. */
NF_API void nf_engine_destroy(nf_engine* engine);
NF_API nf_status nf_device_describe(const nf_engine* engine, nf_device_info* out);
/* Any thread. Describes a device without an engine. NF_UNSUPPORTED: there is none that can be used,
 * and the message says why and what to do. */
NF_API nf_status nf_device_probe(uint32_t device_kind, uint32_t device_index, nf_device_info* out);

/* One thread at a time until ready. Weight indices run from 0 to *count - 1. */
NF_API nf_status nf_weight_count(const nf_engine* engine, uint32_t* count);
NF_API nf_status nf_weight_describe(const nf_engine* engine, uint32_t index, nf_weight_info* out);
/* Converts and packs one tensor; the source is released when the call returns. */
NF_API nf_status nf_weight_load(nf_engine* engine, uint32_t index, const nf_tensor_source* source);
/* Checks that every weight was loaded; steps are refused before. */
NF_API nf_status nf_engine_ready(nf_engine* engine);

/* Any thread. Facts for plans: capacity 0 returns the count. */
NF_API nf_status nf_graph_ops(const nf_engine* engine, nf_op_info* out, uint32_t capacity,
                              uint32_t* count);
NF_API nf_status nf_graph_describe(const nf_engine* engine, nf_graph_info* out);
/* Engine thread. Validates and lowers; the plan's memory may be freed afterwards. */
NF_API nf_status nf_program_create(nf_engine* engine, const nf_plan* plan, nf_program** out);
/* Engine thread. NULL is fine. A program that a submitted step still uses goes with the engine. */
NF_API void nf_program_destroy(nf_engine* engine, nf_program* program);

/* Engine thread only from here on. */
NF_API nf_status nf_step_map(nf_engine* engine, uint32_t slot, nf_step_buffers* out);
/* Starts the forward pass; it runs up to the sampling of the step. Steps run in the order of
 * submission. */
NF_API nf_status nf_step_submit(nf_engine* engine, uint32_t slot, nf_program* program,
                                const nf_step_shape* shape);
/* Lets the step sample: the slot's sampling, bias and masks are complete. */
NF_API nf_status nf_step_release(nf_engine* engine, uint32_t slot);
/* Waits until the step of this slot is complete, or NF_TIMEOUT. */
NF_API nf_status nf_step_wait(nf_engine* engine, uint32_t slot, uint32_t timeout_us,
                              nf_step_result* out);
/* Loops nano-ops of a program, at the same time, each on its own lane and over the layers in turn,
 * and returns when every one has run for minimum_us (at most 60 s) and minimum_count times. All
 * start together; an execution counts if it ended before the first of them stopped. The first of
 * each is a warm-up, and those beyond an item's capacity run without being written.
 * The slot's step is written as for nf_step_submit and nf_step_release and checked like there;
 * every item has rows in it, and no step is in flight. Nothing that the step computes has a
 * meaning: activations, the KV pages that it writes to, and last tokens, penalty counts and pooled
 * states of its sequences are overwritten. Rows are spread evenly over experts. */
NF_API nf_status nf_measure(nf_engine* engine, uint32_t slot, nf_program* program,
                            const nf_step_shape* shape, nf_measure_item* items, uint32_t num_items,
                            uint32_t minimum_us, uint32_t minimum_count);

/* Records when nano-ops with rows run, in the steps submitted from now on. Memory for max_spans (1
 * .. 2^23) is taken here. No step is in flight in these three calls. */
NF_API nf_status nf_trace_start(nf_engine* engine, uint32_t max_spans);
/* Moves up to capacity spans to out: the oldest first, those of a lane in the order in which they
 * ran. *count less than capacity: no more are left. *dropped counts those since the start that
 * found no room. */
NF_API nf_status nf_trace_read(nf_engine* engine, nf_span* out, uint32_t capacity, uint32_t* count,
                               uint64_t* dropped);
NF_API nf_status nf_trace_stop(nf_engine* engine);

/* Copies the unmodified logits [vocab] of one sample of the last completed step. For tests and
 * evaluation: valid only while no later step has been submitted. */
NF_API nf_status nf_step_logits(nf_engine* engine, uint32_t slot, uint32_t sample, float* out,
                                uint32_t capacity);

/* Copies the pooled hidden state [hidden] of the sequence slot, as of the last completed step that
 * named it with a pooling flag: valid until a sequence at position 0 takes the slot over. */
NF_API nf_status nf_sequence_pooled(nf_engine* engine, uint32_t sequence_slot, float* out,
                                    uint32_t capacity);

/* The kernels of the CPU backend one by one, without an engine: one thread at a time a handle. */
typedef struct nf_kernel_bench nf_kernel_bench;

typedef struct nf_kernel_bench_options {
  uint32_t struct_size;
  uint32_t num_threads;  /* as in nf_engine_options */
  uint64_t memory_bytes; /* at most; launches go round in it, beyond the caches; 0: 4 GiB */
  const char* isa;       /* "scalar", "avx2", "avx512", "avx512bf16"; NULL: as engines have it */
  uint32_t matrix_out;   /* of all products, at most 2^20; 0: a list of shapes */
  uint32_t matrix_in;
} nf_kernel_bench_options;

/* What products are made of, and so which peak bounds them. */
typedef enum nf_arithmetic {
  NF_ARITHMETIC_F32 = 0,
  NF_ARITHMETIC_BF16 = 1,
  NF_ARITHMETIC_I8 = 2
} nf_arithmetic;

/* A row of the kernel table with a shape. */
typedef struct nf_kernel_case {
  uint32_t struct_size;
  uint32_t rows;
  uint32_t arithmetic; /* nf_arithmetic */
  uint32_t reserved;
  char kernel[64];   /* e.g. "gemm_avx512bf16" */
  char kind[32];     /* e.g. "gemm" */
  char shape[64];    /* for people */
  double operations; /* of products and attention, a multiply-add being two; of others 0 */
  double bytes;      /* weights and KV pages; of ops without them what they read and write */
} nf_kernel_case;

typedef struct nf_kernel_times {
  double median_us;
  double min_us;
  double max_us;
  uint64_t count; /* of launches */
} nf_kernel_times;

typedef struct nf_peaks {     /* the best that was seen with all threads busy */
  double operations_per_s[3]; /* by nf_arithmetic; 0: the instruction set does not have it */
  double read_bytes_per_s;    /* of memory */
} nf_peaks;

NF_API nf_status nf_kernel_bench_create(const nf_kernel_bench_options* options,
                                        nf_kernel_bench** out);
NF_API void nf_kernel_bench_destroy(nf_kernel_bench* bench); /* NULL is fine */
NF_API nf_status nf_kernel_bench_count(const nf_kernel_bench* bench, uint32_t* count);
NF_API nf_status nf_kernel_bench_case(const nf_kernel_bench* bench, uint32_t index,
                                      nf_kernel_case* out);
/* For minimum_us (at most 60 s) and minimum_count launches, but 65536 at most; after a warm-up. */
NF_API nf_status nf_kernel_bench_run(nf_kernel_bench* bench, uint32_t index, uint32_t minimum_us,
                                     uint32_t minimum_count, nf_kernel_times* out);
NF_API nf_status nf_kernel_bench_peaks(nf_kernel_bench* bench, uint32_t minimum_us,
                                       uint32_t minimum_count, nf_peaks* out);

#ifdef __cplusplus
}
#endif
#endif
