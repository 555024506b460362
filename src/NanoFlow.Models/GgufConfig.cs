// The configuration of a model from the metadata of its GGUF file. Some facts have no key there and
// follow from the tensors: a model without output matrix has tied embeddings, one with bias tensors
// has biases.

using System.Buffers.Binary;

namespace NanoFlow.Models;

internal sealed class GgufConfig
{
    // What llama.cpp takes where a file says nothing.
    private const double DefaultTheta = 10000;

    // All end a sequence: of a text, of a turn, of a message to a tool.
    private static readonly string[] EndTokenKeys =
    [
        "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id",
    ];

    private readonly GgufFile _file;
    private readonly GgufFields _fields;
    private readonly Architecture _architecture;
    private readonly Dictionary<string, TensorEntry> _tensors;

    private GgufConfig(GgufFile file)
    {
        _file = file;
        _fields = file.Fields;
        _tensors = file.Tensors.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
        var name = _fields.Text("general.architecture");
        _architecture = Architectures.FindGguf(name)
            ?? throw _fields.Error(
                "general.architecture", $"is '{name}', supported: {Architectures.GgufNames}");
    }

    /// <param name="data">The file itself, for the factors of rotation.</param>
    internal static ModelConfig Read(GgufFile file, Stream data) => new GgufConfig(file).Read(data);

    private ModelConfig Read(Stream data)
    {
        RefuseWhatIsNotComputed();
        var hidden = _fields.Int(Key("embedding_length"), ModelLimits.Hidden);
        var heads = _fields.Int(Key("attention.head_count"), ModelLimits.Heads);
        var layers = ReadLayers();
        var headDim = ReadHeadDim(hidden, heads);
        var vocab = ReadVocab();
        var ids = new IntRange(0, vocab - 1);
        return new ModelConfig
        {
            Architecture = _architecture.Name,
            HiddenSize = hidden,
            IntermediateSize = _fields.Int(Key("feed_forward_length"), ModelLimits.Intermediate),
            LayerCount = layers,
            HeadCount = heads,
            KvHeadCount = ReadKvHeads(heads),
            HeadDim = headDim,
            VocabSize = vocab,
            MaxPositions = _fields.Int(Key("context_length"), ModelLimits.Positions),
            RmsNormEps = _fields.Real(
                Key("attention.layer_norm_rms_epsilon"), ModelLimits.NormEps),
            Rope = ReadRope(headDim, data),
            TiedEmbeddings = !_tensors.ContainsKey(GgufNames.Output),
            AttentionBias = HasTensor("attn_q.bias"),
            MlpBias = HasTensor("ffn_gate.bias"),
            LayerWindows = ReadWindows(layers),
            BosTokenId = _fields.OptionalInt("tokenizer.ggml.bos_token_id", ids),
            EosTokenIds = EndTokenKeys.Select(key => _fields.OptionalInt(key, ids)).OfType<int>()
                .Distinct().ToArray(),
        };
    }

    private string Key(string name) => $"{_architecture.Gguf!.Name}.{name}";

    private bool HasTensor(string part) => _tensors.ContainsKey(GgufNames.OfLayerAt(0, part));

    private void RefuseWhatIsNotComputed()
    {
        var parts = _fields.OptionalInt("split.count", new IntRange(0, ushort.MaxValue)) ?? 0;
        if (parts > 1)
        {
            throw _fields.Error("split.count", $"is {parts}: join the {parts} files to one first");
        }

        var experts = _fields.OptionalInt(Key("expert_count"), new IntRange(0, ushort.MaxValue));
        if (experts > 0)
        {
            throw _fields.Error(
                Key("expert_count"), $"is {experts}, only dense models are read from GGUF files");
        }

        var factorKey = Key("rope.scaling.attn_factor");
        var factor = _fields.OptionalReal(factorKey, ModelLimits.RopeAttentionFactor) ?? 1;
        if (factor != 1)
        {
            throw _fields.Error(factorKey, $"is {factor}, only 1 is supported");
        }

        if (_fields.OptionalBool(Key("attention.causal")) == false)
        {
            throw _fields.Error(Key("attention.causal"), "is false, only true is supported");
        }
    }

    // A list of what every layer needs is made later; a file without the layers cannot ask for it.
    private int ReadLayers()
    {
        var layers = _fields.Int(Key("block_count"), ModelLimits.Layers);
        var last = GgufNames.OfLayerAt(layers - 1, "attn_norm.weight");
        return _tensors.ContainsKey(last)
            ? layers
            : throw _fields.Error(
                Key("block_count"), $"is {layers}, but tensor '{last}' is missing");
    }

    private int ReadKvHeads(int heads)
    {
        var key = Key("attention.head_count_kv");
        var kvHeads = _fields.OptionalInt(key, ModelLimits.Heads) ?? heads;
        return heads % kvHeads == 0
            ? kvHeads
            : throw _fields.Error(
                key, $"is {kvHeads}, not a divisor of {Key("attention.head_count")} {heads}");
    }

    private int ReadHeadDim(int hidden, int heads)
    {
        var range = ModelLimits.HeadDim;
        var stated = _fields.OptionalInt(Key("attention.key_length"), range);
        if (stated is null && hidden % heads != 0)
        {
            throw _fields.Error(
                Key("embedding_length"),
                $"is {hidden}, not a multiple of {Key("attention.head_count")} {heads}");
        }

        var dim = stated ?? hidden / heads;
        if (dim < range.Min || dim > range.Max || dim % 2 != 0)
        {
            throw _fields.Error(
                Key("attention.key_length"),
                $"is {dim}, an even number from {range.Min} to {range.Max} is wanted");
        }

        foreach (var name in new[] { "attention.value_length", "rope.dimension_count" })
        {
            if (_fields.OptionalInt(Key(name), range) is { } other && other != dim)
            {
                throw _fields.Error(Key(name), $"is {other}, only {dim} is supported here");
            }
        }

        return dim;
    }

    private int ReadVocab()
    {
        if (_fields.OptionalInt(Key("vocab_size"), ModelLimits.Vocab) is { } stated)
        {
            return stated;
        }

        var embedding = _tensors.GetValueOrDefault(GgufNames.Embedding)
            ?? throw new ModelFormatException(
                _file.Name, $"tensor '{GgufNames.Embedding}' is missing");
        var rows = embedding.Shape[0];
        return rows <= ModelLimits.Vocab.Max
            ? rows
            : throw new ModelFormatException(
                _file.Name,
                $"tensor '{embedding.Name}' has {rows} rows, {ModelLimits.Vocab.Wanted}");
    }

    private int[] ReadWindows(int layers)
    {
        var window = _fields.OptionalInt(
            Key("attention.sliding_window"), new IntRange(0, ModelLimits.Window.Max)) ?? 0;
        return window > 0 ? [.. Enumerable.Repeat(window, layers)] : [];
    }

    private RopeConfig ReadRope(int headDim, Stream data)
    {
        var theta = _fields.OptionalReal(Key("rope.freq_base"), ModelLimits.RopeTheta);
        var rope = ReadScaling(new RopeConfig(theta ?? DefaultTheta));
        if (!_tensors.TryGetValue(GgufNames.RopeFactors, out var tensor))
        {
            return rope;
        }

        if (rope.Scaling != RopeScalingKind.None)
        {
            throw _fields.Error(
                Key("rope.scaling.type"), $"and tensor '{tensor.Name}' are two scalings");
        }

        return rope with
        {
            Scaling = RopeScalingKind.Factors,
            Stretch = new RopeStretch(ReadFactors(tensor, headDim / 2, data), [])
            {
                AttentionFactor = 1,
            },
        };
    }

    private RopeConfig ReadScaling(RopeConfig plain)
    {
        var typeKey = Key("rope.scaling.type");
        var factorKey = Key("rope.scaling.factor");

        // Files of old versions have nothing but the factor.
        var olderKey = Key("rope.scale_linear");
        var older = _fields.OptionalReal(olderKey, ModelLimits.RopeFactor);
        var type = _fields.OptionalText(typeKey) ?? (older is null ? "none" : "linear");
        return type switch
        {
            "none" => plain,
            "linear" => plain with
            {
                Scaling = RopeScalingKind.Linear,
                Factor = older ?? _fields.Real(factorKey, ModelLimits.RopeFactor),
            },
            _ => throw _fields.Error(typeKey, $"is '{type}', supported: none, linear"),
        };
    }

    private double[] ReadFactors(TensorEntry tensor, int count, Stream data)
    {
        if (tensor.DType != TensorDType.F32 || tensor.Shape is not [var length] || length != count)
        {
            throw new ModelFormatException(
                _file.Name, $"tensor '{tensor.Name}' is {tensor.DType.StoredName()} "
                + $"[{string.Join(", ", tensor.Shape)}], F32 [{count}] is wanted");
        }

        data.Seek(tensor.Offset, SeekOrigin.Begin);
        var bytes = BoundedFile.ReadExactly(data, count * sizeof(float), _file.Name);
        var factors = new double[count];
        var range = ModelLimits.RopeStretch;
        for (var i = 0; i < count; i++)
        {
            factors[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(i * sizeof(float)));
            if (!(factors[i] >= range.Min && factors[i] <= range.Max))
            {
                throw new ModelFormatException(
                    _file.Name, $"tensor '{tensor.Name}'[{i}] is {factors[i]}, {range.Wanted}");
            }
        }

        return factors;
    }
}
