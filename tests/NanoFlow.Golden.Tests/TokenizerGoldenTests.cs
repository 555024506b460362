// Text to ids, ids to text and chat templates, against transformers. No weights are read. A failure
// names the text: ids alone say little.

using System.Text.Json;
using NanoFlow.Tokenization;

namespace NanoFlow.Golden.Tests;

public sealed class TokenizerGoldenTests
{
    [Theory]
    [MemberData(nameof(GoldenFile.Models), MemberType = typeof(GoldenFile))]
    public void Encode_GoldenTexts_GivesTransformersIds(string model)
    {
        var golden = GoldenFile.Open(model);
        var tokenizer = golden.OpenTokenizer();
        foreach (var entry in Entries(golden, "tokenizer"))
        {
            var text = Text(entry, "text");
            var ids = GoldenFile.Ints(entry.GetProperty("ids"));
            var plainIds = GoldenFile.Ints(entry.GetProperty("ids_no_special"));
            Assert.Equal(Show(text, ids), Show(text, tokenizer.Encode(text)));
            Assert.Equal(
                Show(text, plainIds), Show(text, tokenizer.Encode(text, addSpecialTokens: false)));
        }
    }

    [Theory]
    [MemberData(nameof(GoldenFile.Models), MemberType = typeof(GoldenFile))]
    public void Decode_GoldenTexts_GivesTransformersText(string model)
    {
        var golden = GoldenFile.Open(model);
        var tokenizer = golden.OpenTokenizer();
        foreach (var entry in Entries(golden, "tokenizer"))
        {
            var ids = GoldenFile.Ints(entry.GetProperty("ids_no_special"));
            Assert.Equal(Text(entry, "decoded"), tokenizer.Decode(ids, skipSpecialTokens: false));
        }
    }

    [Theory]
    [MemberData(
        nameof(GoldenFile.ModelsWithTheirSpecialTokens), MemberType = typeof(GoldenFile))]
    public void Decode_RandomAndCutIds_GivesTransformersText(string model)
    {
        var golden = GoldenFile.Open(model);
        var tokenizer = golden.OpenTokenizer();
        foreach (var entry in Entries(golden, "decode"))
        {
            var ids = GoldenFile.Ints(entry.GetProperty("ids"));
            Assert.Equal(Text(entry, "text"), tokenizer.Decode(ids, skipSpecialTokens: false));
            Assert.Equal(Text(entry, "text_skip_special"), tokenizer.Decode(ids));
        }
    }

    [Theory]
    [MemberData(nameof(GoldenFile.Models), MemberType = typeof(GoldenFile))]
    public void ChatTemplate_GoldenConversations_GivesTransformersTextAndIds(string model) =>
        CheckConversations(GoldenFile.Open(model));

    [Fact]
    public void ChatTemplate_StorytellerConversations_GivesTransformersTextAndIds() =>
        CheckConversations(GoldenFile.OpenStoryteller());

    [Fact]
    public void Decode_StorytellerAnswers_GivesTransformersText()
    {
        var golden = GoldenFile.OpenStoryteller();
        var tokenizer = golden.OpenTokenizer();
        foreach (var entry in Entries(golden, "chat"))
        {
            var ids = GoldenFile.Steps(entry).Select(step => step.Id).ToArray();
            Assert.Equal(Text(entry, "answer"), tokenizer.Decode(ids));
        }
    }

    private static void CheckConversations(GoldenFile golden)
    {
        var tokenizer = golden.OpenTokenizer();
        var template = ChatTemplate.Parse(tokenizer.Config.ChatTemplate!);
        foreach (var entry in Entries(golden, "chat"))
        {
            if (entry.TryGetProperty("error", out var error))
            {
                var refusal = Assert.Throws<ChatTemplateException>(
                    () => Render(template, tokenizer, entry, opened: true));
                Assert.Contains(error.GetString()!, refusal.Message);
                continue;
            }
            var text = Render(template, tokenizer, entry, opened: true);
            var ids = GoldenFile.Ints(entry.GetProperty("ids"));
            Assert.Equal(Text(entry, "text"), text);
            Assert.Equal(Text(entry, "text_closed"), Render(template, tokenizer, entry, false));
            Assert.Equal(
                Show(text, ids), Show(text, tokenizer.Encode(text, addSpecialTokens: false)));
        }
    }

    private static string Render(
        ChatTemplate template, Tokenizer tokenizer, JsonElement entry, bool opened) =>
        template.Render(new ChatTemplateInput
        {
            Messages = entry.GetProperty("messages"),
            AddGenerationPrompt = opened,
            BosToken = tokenizer.Config.BosToken,
            EosToken = tokenizer.Config.EosToken,
            // A busy machine may stop the test for longer than the limit of a server.
            Limits = ChatTemplateLimits.Default with { Time = TimeSpan.FromMinutes(5) },
        });

    private static JsonElement[] Entries(GoldenFile golden, string section)
    {
        JsonElement[] entries = [.. golden.Root.GetProperty(section).EnumerateArray()];
        Assert.NotEmpty(entries);
        return entries;
    }

    private static string Text(JsonElement entry, string name) =>
        entry.GetProperty(name).GetString()!;

    private static string Show(string text, int[] ids) => $"{text} -> {string.Join(' ', ids)}";
}
