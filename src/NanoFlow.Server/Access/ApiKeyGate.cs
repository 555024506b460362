// Lets a request pass when it carries one of the server's keys. Everything needs a key, unknown
// paths included, except routes marked as open. Anthropic's clients have a header of their own for
// it, which counts on their paths.

using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Access;

/// <summary>Metadata of a route that answers without a key.</summary>
internal sealed class NoKeyNeeded
{
    public static readonly NoKeyNeeded Instance = new();
}

internal sealed class ApiKeyGate
{
    private const string Scheme = "Bearer ";

    // Digests have one length, so comparing them says nothing about the length of a key.
    private readonly byte[][] _digests;

    public ApiKeyGate(IReadOnlyList<string> keys)
    {
        _digests = keys.Select(Digest).ToArray();
    }

    public void Check(HttpContext context)
    {
        if (_digests.Length == 0
            || context.GetEndpoint()?.Metadata.GetMetadata<NoKeyNeeded>() is not null)
        {
            return;
        }

        if (GivenBy(context.Request) is not { } key)
        {
            throw new RequestRefusedException(ApiError.WrongKey(given: false));
        }

        if (!IsKnown(key))
        {
            throw new RequestRefusedException(ApiError.WrongKey(given: true));
        }
    }

    private static string? GivenBy(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return header[Scheme.Length..].Trim();
        }

        return AnthropicApi.Has(request.Path)
            && request.Headers[AnthropicApi.KeyHeader].ToString() is { Length: > 0 } key
            ? key
            : null;
    }

    // Looks at every key, whichever matches.
    private bool IsKnown(string key)
    {
        var digest = Digest(key);
        var known = false;
        foreach (var candidate in _digests)
        {
            known |= CryptographicOperations.FixedTimeEquals(digest, candidate);
        }

        return known;
    }

    private static byte[] Digest(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
