// model.safetensors.index.json: which shard holds which tensor.
//
// Shard names come from outside and become paths, so only plain file names pass. A shard may
// hold tensors that the map does not list; a listed tensor must be where the map says.

namespace NanoFlow.Models;

internal sealed class ShardMap
{
    private const string WeightMap = "weight_map";

    private readonly string _file;
    private readonly List<string> _shards = [];
    private readonly List<(string Tensor, int Shard)> _rows = [];

    private ShardMap(string file, JsonSection map)
    {
        _file = file;
        var indexOf = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var field in map.Fields)
        {
            var shard = CheckName(map, field.Name, map.ReadText(field.Name, field.Value));
            if (!indexOf.TryGetValue(shard, out var index))
            {
                index = _shards.Count;
                indexOf.Add(shard, index);
                _shards.Add(shard);
            }

            _rows.Add((field.Name, index));
            CheckCounts();
        }

        if (_rows.Count == 0)
        {
            throw new ModelFormatException(file, $"{WeightMap} is empty");
        }
    }

    /// <summary>In the order of first mention.</summary>
    internal IReadOnlyList<string> Shards => _shards;

    internal static ShardMap Read(string folder, string name)
    {
        var json = JsonSection.Parse(
            name, BoundedFile.ReadAll(folder, name, ModelLimits.IndexBytes));
        var map = json.OptionalSection(WeightMap)
            ?? throw json.Error(WeightMap, "is missing, an object is wanted");
        return new ShardMap(name, map);
    }

    internal void CheckAgainst(TensorIndex index)
    {
        foreach (var (tensor, shard) in _rows)
        {
            if (index.Find(tensor)?.FileIndex != shard)
            {
                throw new ModelFormatException(
                    _file, $"tensor '{tensor}' is not in {_shards[shard]}");
            }
        }
    }

    private void CheckCounts()
    {
        if (_rows.Count > ModelLimits.Tensors || _shards.Count > ModelLimits.Shards)
        {
            throw new ModelFormatException(
                _file,
                $"{ModelLimits.Tensors} tensors in {ModelLimits.Shards} shards are the limit");
        }
    }

    // ':' is here because "C:x" and "x:stream" mean more than a name on Windows.
    private static string CheckName(JsonSection map, string tensor, string name)
    {
        var plain = name.EndsWith(".safetensors", StringComparison.Ordinal)
            && name.Length <= ModelLimits.FileNameChars
            && name.AsSpan().IndexOfAny("/\\:") < 0
            && !name.Contains("..", StringComparison.Ordinal)
            && !name.Any(char.IsControl);
        return plain
            ? name
            : throw map.Error(
                tensor, $"names the shard '{name}', a plain name *.safetensors is wanted");
    }
}
