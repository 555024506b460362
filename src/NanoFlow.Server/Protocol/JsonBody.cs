// Reads a request body as JSON: content type, size, depth and duplicate names are checked here, so
// that everything behind works on one well-formed document.
//
// A body above the limit is read to its end and dropped before it is refused: most clients look at
// the answer only after they have sent everything, and would see a broken connection instead.
// Kestrel cuts what is larger still.

using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace NanoFlow.Server.Protocol;

internal static class JsonBody
{
    // Two readers of a body with a repeated name could disagree about its value.
    private static readonly JsonDocumentOptions Strict = new()
    {
        MaxDepth = ServerLimits.MaxJsonDepth,
        AllowDuplicateProperties = false,
    };

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    public static async Task<JsonDocument> ReadAsync(HttpContext context)
    {
        CheckContentType(context.Request);
        var body = await ReadBytesAsync(context);
        try
        {
            return JsonDocument.Parse(
                body.Span.StartsWith(ByteOrderMark) ? body[ByteOrderMark.Length..] : body, Strict);
        }
        catch (JsonException e)
        {
            throw RequestRefusedException.Invalid(
                $"the body is not valid JSON: {Quote.Cut(e.Message, 200)}");
        }
        catch (InvalidOperationException)
        {
            // What the reader says when it looks for duplicates and cannot read a name.
            throw RequestRefusedException.Invalid("a name in the body is not valid Unicode");
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        var body = new ArrayBufferWriter<byte>();
        var length = 0L;
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync(context.RequestAborted);
                length += read.Buffer.Length;
                if (length <= ServerLimits.MaxBodyBytes)
                {
                    read.Buffer.CopyTo(body.GetSpan((int)read.Buffer.Length));
                    body.Advance((int)read.Buffer.Length);
                }

                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return length <= ServerLimits.MaxBodyBytes
                        ? body.WrittenMemory
                        : throw TooLarge();
                }
            }
        }
        catch (BadHttpRequestException e)
        {
            throw e.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? TooLarge()
                : RequestRefusedException.Invalid("the body ended too early");
        }
    }

    private static RequestRefusedException TooLarge() =>
        new(ApiError.BodyTooLarge(ServerLimits.MaxBodyBytes));

    private static void CheckContentType(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase))
        {
            throw Unsupported("Content-Type must be application/json");
        }

        if (type.Charset.HasValue
            && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
        {
            throw Unsupported("the charset must be utf-8");
        }

        if (request.Headers.ContentEncoding.Count > 0)
        {
            throw Unsupported("Content-Encoding is not supported: send the body as it is");
        }
    }

    private static RequestRefusedException Unsupported(string message) =>
        new(ApiError.WrongContentType(message));
}
