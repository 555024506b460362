// Valid inputs with a few bytes changed, inserted, removed or cut off: whatever comes of it, the
// only error that may come out is ModelFormatException.

using System.Text;

namespace NanoFlow.Models.Tests;

public sealed class MutationTests
{
    private const int Rounds = 20_000;

    // What reading takes beside the file: the parser's own tables, the text of an error.
    private const long OwnBytes = 256 << 10;

    // Each of these writes and opens files.
    private const int FileRounds = 2_000;

    private static readonly byte[] Interesting =
        [0, (byte)'"', (byte)'{', (byte)'}', (byte)'[', (byte)'\\', (byte)'9', (byte)'-', 0xFF];

    [Fact]
    public void Header_MutatedBytes_OnlyFormatErrors()
    {
        const string Header =
            """
            {"__metadata__":{"format":"pt"},
            "a":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]},
            "b.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]},
            "c":{"dtype":"I8","shape":[],"data_offsets":[32,33]}}
            """;
        Mutate(Samples.Safetensors(Header, 33), seed: 1, file => Samples.ReadHeader(file));
    }

    [Fact]
    public void Config_MutatedBytes_OnlyFormatErrors() =>
        Mutate(Samples.ScaledConfig("factor", "8.0"), seed: 2, text => ModelConfig.Parse(text));

    [Theory]
    [InlineData("MistralForCausalLM", "{\"sliding_window\":64}")]
    [InlineData(
        "Phi3ForCausalLM",
        "{\"rope_scaling\":{\"type\":\"su\",\"short_factor\":[1,1,1,1,1,1,1,1],"
        + "\"long_factor\":[2,2,2,2,2,2,2,2]},\"original_max_position_embeddings\":64}")]
    [InlineData(
        "Gemma2ForCausalLM",
        "{\"hidden_act\":\"gelu_pytorch_tanh\",\"query_pre_attn_scalar\":64,\"sliding_window\":8,"
        + "\"attn_logit_softcapping\":50.0,\"final_logit_softcapping\":30.0}")]
    [InlineData(
        "Qwen2ForCausalLM",
        "{\"use_sliding_window\":true,\"sliding_window\":64,\"max_window_layers\":1}")]
    [InlineData(
        "Qwen3ForCausalLM",
        "{\"use_sliding_window\":true,\"sliding_window\":64,"
        + "\"layer_types\":[\"full_attention\",\"sliding_attention\"]}")]
    [InlineData(
        "MixtralForCausalLM", "{\"num_local_experts\":8,\"num_experts_per_tok\":2}")]
    [InlineData(
        "Qwen3MoeForCausalLM",
        "{\"model_type\":\"qwen3_moe\",\"num_experts\":8,\"num_experts_per_tok\":2,"
        + "\"moe_intermediate_size\":32,\"mlp_only_layers\":[]}")]
    public void ConfigOfARelative_MutatedBytes_OnlyFormatErrors(string architecture, string fields)
    {
        var config = Samples.ConfigOf(architecture, fields);

        Mutate(config, seed: 5, text => ModelConfig.Parse(text));
    }

    [Fact]
    public void Int8Config_MutatedBytes_OnlyFormatErrors() => Mutate(
        Samples.Config("quantization_config", Samples.Int8Section()),
        seed: 6,
        text => ModelConfig.Parse(text));

    [Fact]
    public void Generation_MutatedBytes_OnlyFormatErrors()
    {
        var config = Samples.ParsedConfig();
        var text = "{\"eos_token_id\":[5,3],\"do_sample\":true,\"top_k\":5,\"temperature\":0.6}";
        Mutate(Encoding.UTF8.GetBytes(text), 3, bytes => GenerationDefaults.Parse(bytes, config));
    }

    [Fact]
    public void ShardMap_MutatedBytes_OnlyFormatErrors()
    {
        const string Map =
            "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"a\":\"s.safetensors\"}}";
        using var folder = new TempFolder();
        folder.Write("s.safetensors", Samples.Safetensors([new ExpectedTensor("a", [4])]));
        var read = (byte[] text) =>
        {
            // A new file each time: file systems flush one that is cut short and rewritten.
            File.Delete(folder["model.safetensors.index.json"]);
            folder.Write("model.safetensors.index.json", text);
            TensorIndex.Open(folder.FullPath);
        };
        Mutate(Encoding.UTF8.GetBytes(Map), seed: 4, read, FileRounds);
    }

    private static void Mutate(
        byte[] valid, int seed, Action<byte[]> read, int rounds = Rounds)
    {
        var random = new Random(seed);
        var refused = 0;
        for (var round = 0; round < rounds; round++)
        {
            var input = Mutated(valid, random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(input);
            }
            catch (ModelFormatException e)
            {
                refused++;
                Assert.DoesNotContain('\n', e.Message);
            }
            catch (Exception e)
            {
                Assert.Fail($"round {round}: {e.GetType().Name} {e.Message} from "
                    + Convert.ToHexString(input));
            }

            var taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.InRange(taken, 0, (2 * input.Length) + OwnBytes);
        }

        // Both outcomes must have been seen, or the mutations test nothing.
        Assert.InRange(refused, rounds / 10, rounds - 1);
    }

    internal static byte[] Mutated(byte[] valid, Random random)
    {
        var bytes = new List<byte>(valid);
        for (var edits = random.Next(1, 5); edits > 0 && bytes.Count > 0; edits--)
        {
            var at = random.Next(bytes.Count);
            var value = random.Next(2) == 0
                ? Interesting[random.Next(Interesting.Length)]
                : (byte)random.Next(256);
            switch (random.Next(8))
            {
                case 0:
                    bytes.Insert(at, value);
                    break;
                case 1:
                    bytes.RemoveAt(at);
                    break;
                case 2:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 3 when random.Next(8) == 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    bytes[at] = value;
                    break;
            }
        }

        return [.. bytes];
    }
}
