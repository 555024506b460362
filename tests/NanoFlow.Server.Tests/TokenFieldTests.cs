// Fields that concern tokens rather than text: ids in the answer, prompts cut to length, special
// tokens shown or hidden.

using System.Text.Json;

namespace NanoFlow.Server.Tests;

public sealed class TokenFieldTests(EchoServer server) : IClassFixture<EchoServer>
{
    private const string Ids = "\"return_token_ids\":true,\"max_tokens\":3";

    [Fact]
    public async Task TokenIds_OfCompletions_StandWithEachChoice()
    {
        const string Fields = "\"prompt\":[[97],[99]]," + Ids;
        var whole = await server.CompleteAsync(Fields);
        var stream = await server.CompleteAsync(Fields + ",\"stream\":true");

        foreach (var (index, prompt) in ((int, int)[])[(0, 97), (1, 99)])
        {
            var choice = whole.Choice(index);
            var chunks = Chunks(stream, index);
            int[] answer = [prompt + 1, prompt + 2, prompt + 3];
            Assert.Equal([prompt], Read(choice, "prompt_token_ids"));
            Assert.Equal(answer, Read(choice, "token_ids"));
            Assert.Equal([prompt], Read(chunks[0], "prompt_token_ids"));
            Assert.Equal(answer, chunks.SelectMany(chunk => Read(chunk, "token_ids")));
        }
    }

    [Fact]
    public async Task TokenIds_OfChat_StandWithTheAnswerAndItsChoices()
    {
        var whole = await server.ChatAsync(Ids);
        var stream = await server.ChatAsync(Ids + ",\"stream\":true");
        var prompt = Read(whole.Json, "prompt_token_ids");

        Assert.Equal(
            whole.Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(),
            prompt.Length);
        Assert.Equal(prompt, Read(stream.Events[0], "prompt_token_ids"));
        Assert.Equal(
            Read(whole.Choice(0), "token_ids"),
            Chunks(stream, 0).SelectMany(chunk => Read(chunk, "token_ids")));
    }

    [Fact]
    public async Task TokenIds_NotAskedFor_AreNotThere()
    {
        var answer = await server.ChatAsync("\"max_tokens\":1");

        Assert.DoesNotContain("token_ids", answer.Text);
    }

    // An end token has an id, and no text.
    [Fact]
    public async Task TokenIds_OfAnEndToken_AreCounted()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":[97],\"return_token_ids\":true,\"stop_token_ids\":[100]");

        Assert.Equal("bc", answer.FirstText);
        Assert.Equal([98, 99, 100], Read(answer.Choice(0), "token_ids"));
    }

    [Fact]
    public async Task LogProbs_AsTokenIds_NameEachTokenByItsId()
    {
        const string Fields = "\"max_tokens\":2,\"return_tokens_as_token_ids\":true,";
        var completion = await server.CompleteAsync(Fields + "\"prompt\":[97],\"logprobs\":0");
        var chat = await server.ChatAsync(Fields + "\"logprobs\":true");

        Assert.Equal(
            ["token_id:98", "token_id:99"],
            completion.Choice(0).GetProperty("logprobs").GetProperty("tokens")
                .EnumerateArray().Select(token => token.GetString()));
        Assert.All(
            chat.Choice(0).GetProperty("logprobs").GetProperty("content").EnumerateArray(),
            token => Assert.StartsWith("token_id:", token.GetProperty("token").GetString()));
    }

    [Theory]
    [InlineData("\"truncate_prompt_tokens\":2", "ef")]
    [InlineData("\"truncate_prompt_tokens\":2,\"truncation_side\":\"left\"", "ef")]
    [InlineData("\"truncate_prompt_tokens\":2,\"truncation_side\":\"right\"", "ab")]
    [InlineData("\"truncate_prompt_tokens\":6", "abcdef")]
    [InlineData("\"truncate_prompt_tokens\":-1", "abcdef")]
    public async Task Prompt_Truncated_KeepsTheSideThatWasAskedFor(string fields, string kept)
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":\"abcdef\",\"add_special_tokens\":false,\"echo\":true,\"max_tokens\":1,"
            + fields);

        Assert.Equal(kept + (char)(kept[^1] + 1), answer.FirstText);
        Assert.Equal(
            kept.Length,
            answer.Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task Prompt_TruncatedToWhatFits_LeavesRoomForTheAnswer()
    {
        var answer = await server.CompleteAsync(
            $"\"prompt\":\"{new string('a', 300)}\",\"max_tokens\":9,"
            + "\"truncate_prompt_tokens\":-1");
        var usage = answer.Json.GetProperty("usage");

        Assert.Equal(
            EchoServer.ContextLength - 9, usage.GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(9, usage.GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task Prompt_TruncatedToNothing_IsRefusedByName()
    {
        var answer = await server.CompleteAsync("\"prompt\":\"a\",\"truncate_prompt_tokens\":0");

        Assert.Equal(400, answer.Status);
        Assert.Equal("truncate_prompt_tokens", answer.Param);
    }

    // 256 is the first special token of the model.
    [Theory]
    [InlineData("true", "")]
    [InlineData("false", "<|begin_of_text|>")]
    public async Task SpecialTokens_InTheAnswer_AreSkippedUnlessAskedFor(
        string skip, string expected)
    {
        var answer = await server.CompleteAsync(
            $"\"prompt\":[97,255],\"max_tokens\":1,\"skip_special_tokens\":{skip}");

        Assert.Equal(expected, answer.FirstText);
    }

    [Theory]
    [InlineData("completions", "\"prompt\":\"a\"", true)]
    [InlineData("chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]", false)]
    public async Task SpecialTokens_AroundThePrompt_FollowTheFlag(
        string api, string prompt, bool usual)
    {
        async Task<int> CountAsync(string flag)
        {
            var answer = await server.PostAsync(
                "/v1/" + api, $"{{{prompt},\"max_tokens\":1{flag}}}");
            return answer.Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32();
        }

        var with = await CountAsync(",\"add_special_tokens\":true");
        var without = await CountAsync(",\"add_special_tokens\":false");

        Assert.Equal(1, with - without);
        Assert.Equal(usual ? with : without, await CountAsync(""));
    }

    private static JsonElement[] Chunks(Answer stream, int index) => stream.Events
        .Select(e => e.GetProperty("choices")[0])
        .Where(choice => choice.GetProperty("index").GetInt32() == index).ToArray();

    private static int[] Read(JsonElement element, string name) =>
        element.GetProperty(name).EnumerateArray().Select(id => id.GetInt32()).ToArray();
}
