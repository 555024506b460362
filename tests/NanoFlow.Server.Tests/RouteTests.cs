// Paths, methods, models, request ids, and the key that each route asks for. The routes are those
// the server has, so a new one without a key is noticed.

using Microsoft.AspNetCore.Routing;

namespace NanoFlow.Server.Tests;

public sealed class RouteTests(EchoServer server) : IClassFixture<EchoServer>
{
    private const string Key = "correct horse";

    private static readonly string[] OpenPaths = ["/health", "/health/ready"];

    [Fact]
    public async Task Path_Unknown_IsAJsonError()
    {
        var answer = await GetAsync(server.Client, "/v1/nothing");

        Assert.Equal(404, answer.Status);
        Assert.Equal("application/json", answer.ContentType);
        Assert.Equal("not_found_error", answer.Error.GetProperty("type").GetString());
        Assert.Contains("/v1/nothing", answer.Error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Method_Wrong_IsAJsonErrorThatNamesTheRightOne()
    {
        var answer = await GetAsync(server.Client, "/v1/completions");

        Assert.Equal(405, answer.Status);
        Assert.Equal("POST", answer.Headers["Allow"]);
        Assert.Equal("method_not_allowed", answer.Code);
    }

    [Theory]
    [InlineData("/v1/completions", "{\"model\":\"gpt-9\",\"prompt\":\"a\"}")]
    [InlineData("/v1/chat/completions", "{\"model\":\"gpt-9\",\"messages\":[]}")]
    [InlineData("/tokenize", "{\"model\":\"gpt-9\",\"prompt\":\"a\"}")]
    public async Task Model_Unknown_IsNotFound(string path, string body)
    {
        var answer = await server.PostAsync(path, body);

        Assert.Equal(404, answer.Status);
        Assert.Equal("model_not_found", answer.Code);
        Assert.Equal("model", answer.Param);
        Assert.Contains("echo", answer.Error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Models_List_HasEveryName()
    {
        var answer = await GetAsync(server.Client, "/v1/models");
        var data = answer.Json.GetProperty("data").EnumerateArray().ToArray();

        Assert.Equal("list", answer.Json.GetProperty("object").GetString());
        Assert.Equal(["echo", "org/echo"], data.Select(m => m.GetProperty("id").GetString()!));
        Assert.All(
            data,
            m => Assert.Equal(
                EchoServer.ContextLength, m.GetProperty("max_model_len").GetInt32()));
    }

    [Theory]
    [InlineData("/v1/models/echo", "echo")]
    [InlineData("/v1/models/org/echo", "org/echo")]
    [InlineData("/v1/models/org%2Fecho", "org/echo")]
    public async Task Models_ByName_IsFound(string path, string id)
    {
        var answer = await GetAsync(server.Client, path);

        Assert.Equal(200, answer.Status);
        Assert.Equal(id, answer.Json.GetProperty("id").GetString());
    }

    [Fact]
    public async Task Models_UnknownName_IsNotFound()
    {
        var answer = await GetAsync(server.Client, "/v1/models/other");

        Assert.Equal(404, answer.Status);
        Assert.Equal("model_not_found", answer.Code);
    }

    [Theory]
    [InlineData("abc-DEF_1.2", true)]
    [InlineData("has space", false)]
    [InlineData("semi;colon", false)]
    [InlineData("", false)]
    public async Task RequestId_OfTheClient_IsEchoedWhenPlain(string id, bool echoed)
    {
        Assert.Equal(echoed, await IdForAsync(id) == id);
    }

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public async Task RequestId_OfTheClient_HasALongestLength(int length, bool echoed)
    {
        var id = new string('a', length);

        Assert.Equal(echoed, await IdForAsync(id) == id);
    }

    [Fact]
    public async Task RequestId_IsOnErrorsAndStreamsToo()
    {
        var refused = await server.PostAsync("/v1/completions", "{");
        var streamed = await server.CompleteAsync(
            "\"prompt\":\"a\",\"max_tokens\":1,\"stream\":true");

        Assert.NotEmpty(refused.Headers["x-request-id"]);
        Assert.NotEmpty(streamed.Headers["x-request-id"]);
    }

    [Fact]
    public async Task Key_EveryRoute_AsksForItExceptHealth()
    {
        var guarded = await server.StartAsync(
            new ServerOptions { ApiKeys = ["other key", Key] });
        using var client = EchoServer.ClientOf(guarded);
        var routes = guarded.RouteTable.Select(Request).ToArray();
        Assert.Contains(routes, route => route.Path == "/v1/completions");
        foreach (var (method, path) in routes.Append((HttpMethod.Get, "/v1/nothing")))
        {
            foreach (var header in (string?[])[null, "Bearer wrong", "Bearer ", Key, "Basic eA=="])
            {
                var refused = await SendAsync(client, method, path, header);
                Assert.Equal(OpenPaths.Contains(path), refused.Status == 200);
                Assert.Equal(!OpenPaths.Contains(path), refused.Status == 401);
            }

            var passed = await SendAsync(client, method, path, "Bearer " + Key);
            Assert.NotEqual(401, passed.Status);
        }
    }

    [Fact]
    public async Task Key_Missing_IsAJsonErrorWithAChallenge()
    {
        var guarded = await server.StartAsync(new ServerOptions { ApiKeys = [Key] });
        using var client = EchoServer.ClientOf(guarded);
        var answer = await GetAsync(client, "/v1/models");

        Assert.Equal(401, answer.Status);
        Assert.Equal("Bearer", answer.Headers["WWW-Authenticate"]);
        Assert.Equal("invalid_api_key", answer.Code);
        Assert.Equal("authentication_error", answer.Error.GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/health/ready")]
    public async Task Health_Running_IsOk(string path)
    {
        Assert.Equal(200, (await GetAsync(server.Client, path)).Status);
    }

    [Fact]
    public async Task Version_IsThatOfTheAssembly()
    {
        var answer = await GetAsync(server.Client, "/version");

        Assert.StartsWith("0.1.0", answer.Json.GetProperty("version").GetString());
    }

    private static (HttpMethod Method, string Path) Request(RouteEndpoint route)
    {
        var methods = route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods;
        var path = "/" + route.RoutePattern.RawText!.TrimStart('/').Replace("{**id}", "echo");
        return (HttpMethod.Parse(methods[0]), path);
    }

    private async Task<string?> IdForAsync(string id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/version");
        request.Headers.TryAddWithoutValidation("x-request-id", id);
        using var response = await server.Client.SendAsync(request);
        return response.Headers.GetValues("x-request-id").Single();
    }

    private static async Task<Answer> SendAsync(
        HttpClient client, HttpMethod method, string path, string? authorization)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        using var response = await client.SendAsync(request);
        return await Answer.ReadAsync(response);
    }

    private static async Task<Answer> GetAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path);
        return await Answer.ReadAsync(response);
    }
}
