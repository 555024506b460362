// The list of cases in tests/clients/cases.json: what a client is told to do, and what it must see.

using System.Text.Json.Nodes;

namespace NanoFlow.Server.Tests.Clients;

/// <param name="Mode">"whole" or "stream".</param>
internal sealed record ClientCase(JsonObject Json, string Mode)
{
    private static readonly JsonNode Root = JsonNode.Parse(
        File.ReadAllText(Path.Combine(ClientFiles.Source, "cases.json")))!;

    private static readonly Dictionary<string, ClientCase> ByName = ReadAll();

    public static IReadOnlyCollection<ClientCase> All => ByName.Values;

    public string Name => $"{Title} / {Mode}";

    public string Title => (string)Json["name"]!;

    public string Server => (string?)Json["server"] ?? "open";

    /// <summary>Which of the client's methods.</summary>
    public string Call => (string)Json["call"]!;

    public JsonObject Client => Json["client"]?.AsObject() ?? [];

    /// <summary>The body as the client is to send it.</summary>
    public JsonObject Request => Expand(Json["request"] ?? new JsonObject()).AsObject();

    public static ClientCase Find(string name) => ByName[name];

    /// <summary>Names of the cases that a client can express.</summary>
    public static TheoryData<string> NamesFor(string client) =>
        [.. All.Where(item => item.ReasonAgainst(client) is null).Select(item => item.Name)];

    /// <summary>Why a client cannot express the case; null when it can.</summary>
    public string? ReasonAgainst(string client) =>
        (string?)Json["not"]?[client] ?? (string?)Root["not"]![Call]?[client];

    /// <summary>The parts of the expectation that hold for a client, each of them a subset of what
    /// it saw.</summary>
    public IEnumerable<JsonNode> ExpectationsFor(string client) =>
        new[] { "expect", "expect_" + Mode, "expect_" + client }
            .Select(name => Json[name]).OfType<JsonNode>();

    private static Dictionary<string, ClientCase> ReadAll() =>
        Root["cases"]!.AsArray().Select(item => item!.AsObject())
            .SelectMany(json => Modes(json).Select(mode => new ClientCase(json, mode)))
            .ToDictionary(item => item.Name);

    private static IEnumerable<string> Modes(JsonObject json) =>
        json["modes"]?.AsArray().Select(mode => (string)mode!) ?? ["whole"];

    // {"repeat": "a", "times": 3} stands for "aaa": the list has no room for large bodies.
    private static JsonNode Expand(JsonNode node) => node switch
    {
        JsonObject value when value.ContainsKey("repeat") =>
            string.Concat(Enumerable.Repeat((string)value["repeat"]!, (int)value["times"]!)),
        JsonObject value => new JsonObject(value.Select(
            field => KeyValuePair.Create(field.Key, ExpandAny(field.Value)))),
        JsonArray value => new JsonArray(value.Select(ExpandAny).ToArray()),
        _ => node.DeepClone(),
    };

    private static JsonNode? ExpandAny(JsonNode? node) => node is null ? null : Expand(node);
}
