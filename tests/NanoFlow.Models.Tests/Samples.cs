// Small valid inputs that tests change in one place: a Llama configuration, and safetensors files
// from a list of tensors.

using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;

namespace NanoFlow.Models.Tests;

internal static class Samples
{
    private const string ConfigJson =
        """
        {
          "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
          "hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": 2,
          "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 512,
          "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
          "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": [2, 3]
        }
        """;

    /// <summary>As llm-compressor writes it beside int8 weights.</summary>
    private const string Int8Json =
        """
        {
          "config_groups": {"group_0": {
            "input_activations": {
              "actorder": null, "block_structure": null, "dynamic": true, "group_size": null,
              "num_bits": 8, "observer": null, "observer_kwargs": {}, "strategy": "token",
              "symmetric": true, "type": "int"
            },
            "output_activations": null,
            "targets": ["Linear"],
            "weights": {
              "actorder": null, "block_structure": null, "dynamic": false, "group_size": null,
              "num_bits": 8, "observer": "mse", "observer_kwargs": {}, "strategy": "channel",
              "symmetric": true, "type": "int"
            }
          }},
          "format": "int-quantized", "global_compression_ratio": 1.2, "ignore": ["lm_head"],
          "kv_cache_scheme": null, "quant_method": "compressed-tensors",
          "quantization_status": "compressed", "sparsity_config": {}, "transform_config": {},
          "version": "0.9.4"
        }
        """;

    private const string Llama3Rope =
        """
        {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
         "original_max_position_embeddings": 64}
        """;

    /// <summary>A valid config.json text, with one field replaced by some JSON.</summary>
    internal static byte[] Config(string field = "use_cache", string json = "true")
    {
        var config = JsonNode.Parse(ConfigJson)!.AsObject();
        Set(config, field, json);
        return Encoding.UTF8.GetBytes(config.ToJsonString());
    }

    /// <summary>The same sizes for another architecture, with more fields, or others.</summary>
    internal static byte[] ConfigOf(string architecture, string fields = "{}")
    {
        var config = JsonNode.Parse(ConfigJson)!.AsObject();
        config["architectures"] = new JsonArray(architecture);
        config["model_type"] = architecture[..^"ForCausalLM".Length].ToLowerInvariant();
        config["head_dim"] = 16;
        foreach (var (name, value) in JsonNode.Parse(fields)!.AsObject())
        {
            config[name] = value?.DeepClone();
        }

        return Encoding.UTF8.GetBytes(config.ToJsonString());
    }

    /// <summary>A quantization_config, with one field replaced by some JSON.</summary>
    /// <param name="path">Of the field, with dots between; "": none.</param>
    /// <param name="json">Null: the field is taken out.</param>
    internal static string Int8Section(string path = "", string? json = null)
    {
        var section = JsonNode.Parse(Int8Json)!.AsObject();
        var names = path.Split('.');
        var inner = names[..^1].Aggregate(section, (outer, name) => outer[name]!.AsObject());
        if (json is not null)
        {
            Set(inner, names[^1], json);
        }
        else if (path.Length > 0)
        {
            Assert.True(inner.Remove(names[^1]));
        }

        return section.ToJsonString();
    }

    internal static byte[] ConfigWithout(string field)
    {
        var config = JsonNode.Parse(ConfigJson)!.AsObject();
        Assert.True(config.Remove(field));
        return Encoding.UTF8.GetBytes(config.ToJsonString());
    }

    /// <summary>A config.json text with llama3 scaling, one of its fields replaced.</summary>
    internal static byte[] ScaledConfig(string field, string json)
    {
        var scaling = JsonNode.Parse(Llama3Rope)!.AsObject();
        Set(scaling, field, json);
        return Config("rope_scaling", scaling.ToJsonString());
    }

    internal static ModelConfig ParsedConfig(string field = "use_cache", string json = "true") =>
        ModelConfig.Parse(Config(field, json));

    /// <summary>A safetensors file: this header and so many zero bytes of data.</summary>
    internal static byte[] Safetensors(string header, int dataBytes) =>
        Safetensors(Encoding.UTF8.GetBytes(header), dataBytes);

    internal static byte[] Safetensors(byte[] header, int dataBytes)
    {
        var file = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)header.Length);
        header.CopyTo(file, 8);
        return file;
    }

    /// <summary>A safetensors file of these tensors, one after the other.</summary>
    internal static byte[] Safetensors(
        IEnumerable<ExpectedTensor> tensors, string dtype = "BF16") =>
        Safetensors(tensors.Select(tensor => (tensor, dtype)));

    /// <summary>Each in its own type.</summary>
    internal static byte[] Safetensors(
        IEnumerable<(ExpectedTensor Tensor, string DType)> tensors)
    {
        var header = new JsonObject();
        var begin = 0;
        foreach (var (tensor, dtype) in tensors)
        {
            var width = dtype is "F32" ? 4 : dtype is "I8" ? 1 : 2;
            var end = begin + (tensor.Shape.Aggregate(1, (a, b) => a * b) * width);
            header[tensor.Name] = new JsonObject
            {
                ["dtype"] = dtype,
                ["shape"] = new JsonArray([.. tensor.Shape.Select(d => (JsonNode)d)]),
                ["data_offsets"] = new JsonArray(begin, end),
            };
            begin = end;
        }

        return Safetensors(header.ToJsonString(), begin);
    }

    internal static IReadOnlyList<TensorEntry> ReadHeader(byte[] file)
    {
        using var stream = new MemoryStream(file);
        return SafetensorsHeader.Read(stream, "x.safetensors", fileIndex: 0);
    }

    private static void Set(JsonObject target, string field, string json) =>
        target[field] = JsonNode.Parse(json);
}
