// What a refused request is told, in OpenAI's shape: status, type, code, param, message.
//
// One constructor method per case of the contract, so that a status and its type cannot be paired
// wrongly. `code` is a string or null, never a number: the .NET client shows strings only.
// A message may quote the client's own input, cut to a bounded length.

using System.Globalization;

namespace NanoFlow.Server.Protocol;

/// <param name="RetryAfterMs">Set when asking again later can succeed.</param>
public sealed record ApiError(
    int Status, string Type, string Message, string? Param = null, string? Code = null)
{
    private const string BadRequest = "invalid_request_error";

    public int? RetryAfterMs { get; init; }

    public static ApiError Invalid(string message, string? param = null) =>
        new(400, BadRequest, message, param);

    public static ApiError NotSupported(string param, string message) =>
        new(400, BadRequest, message, param, "unsupported_parameter");

    public static ApiError ContextLength(
        int promptTokens, int newTokens, int limit, string param) => new(
        400,
        BadRequest,
        string.Create(
            CultureInfo.InvariantCulture,
            $"the prompt has {promptTokens} tokens and {newTokens} new tokens were asked for, "
            + $"together {(long)promptTokens + newTokens}, but this model's context is {limit} "
            + $"tokens; shorten the prompt or lower max_tokens"),
        param,
        "context_length_exceeded");

    public static ApiError WrongKey(bool given) => new(
        401,
        "authentication_error",
        given
            ? "the API key is not valid"
            : "no API key: send it as 'Authorization: Bearer KEY'",
        Code: "invalid_api_key");

    public static ApiError NoSuchModel(string name, string served) => new(
        404,
        "not_found_error",
        $"no model '{Quote.Cut(name)}' here; this server has: {served}",
        "model",
        "model_not_found");

    public static ApiError NoSuchPath(string path) => new(
        404, "not_found_error", $"no such path: {Quote.Cut(path)}", Code: "path_not_found");

    public static ApiError WrongMethod(string method, string path) => new(
        405,
        BadRequest,
        $"{Quote.Cut(method)} is not allowed on {Quote.Cut(path)}",
        Code: "method_not_allowed");

    public static ApiError BodyTooLarge(long limit) => new(
        413,
        BadRequest,
        string.Create(
            CultureInfo.InvariantCulture, $"the request body is larger than {limit} bytes"),
        Code: "request_too_large");

    public static ApiError WrongContentType(string message) =>
        new(415, BadRequest, message, Code: "unsupported_media_type");

    public static ApiError Overloaded(string message) =>
        new(429, "rate_limit_error", message, Code: "server_overloaded")
        {
            RetryAfterMs = ServerLimits.RetryAfterMs,
        };

    public static ApiError EngineFailed(string message) =>
        new(500, "server_error", message, Code: "engine_error");

    public static ApiError Internal() => new(
        500, "server_error", "the server failed on this request; its log has the reason");

    public static ApiError Unavailable(string message) =>
        new(503, "unavailable_error", message, Code: "unavailable")
        {
            RetryAfterMs = ServerLimits.RetryAfterMs,
        };
}

/// <summary>Thrown while a request is read; caught once, by the outermost layer. An exception,
/// because a refusal can come from any depth of a nested body.</summary>
public sealed class RequestRefusedException(ApiError error) : Exception(error.Message)
{
    public ApiError Error { get; } = error;

    public static RequestRefusedException Invalid(string message, string? param = null) =>
        new(ApiError.Invalid(message, param));
}

internal static class Quote
{
    /// <summary>Client text for a message: bounded, and without characters that could forge a
    /// line of a log.</summary>
    public static string Cut(string text, int maxChars = 64)
    {
        var length = Math.Min(text.Length, maxChars);
        return string.Create(length, text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                var c = source[i];
                span[i] = char.IsControl(c) || char.IsSurrogate(c) ? '?' : c;
            }
        }) + (text.Length > maxChars ? "..." : "");
    }
}
