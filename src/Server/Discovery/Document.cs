using System.Security.Cryptography;
using Hanbae.Api;
using Hanbae.Api.Codec;

namespace Hanbae.Server.Discovery;

/// <summary>One discovery answer, rendered once: its JSON, its protobuf and a tag that changes when it does.</summary>
public sealed class Document(byte[] json, Func<byte[]> protobuf)
{
    byte[]? _protobuf;

    public ReadOnlyMemory<byte> Json { get; } = json;
    /// <summary>Rendered when first asked for: few clients do.</summary>
    public ReadOnlyMemory<byte> Protobuf => _protobuf ??= protobuf();
    /// <summary>With its quotes, as in the header.</summary>
    public string ETag { get; } = '"' + Convert.ToHexString(SHA512.HashData(json)) + '"';

    /// <param name="apiVersion">False for the core group's answers, which upstream encodes without one.</param>
    public static Document Of(IKind value, bool apiVersion = true)
    {
        var writer = new JsonWriter();
        try
        {
            writer.Raw("{\"kind\":"u8);
            writer.String(value.Kind().Kind);
            if (apiVersion) writer.Raw(",\"apiVersion\":\"v1\""u8);
            int start = writer.Position;
            value.WriteJson(ref writer);
            writer.Continue(start);
            writer.Byte((byte)'\n');
            return new(writer.ToArray(), () => Envelope.Wrap(value, new("", "v1"), value.Kind().Kind));
        }
        finally { writer.Dispose(); }
    }
}
