using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Client.Tests;

/// <summary>Lists as a server sends them in protobuf.</summary>
static class ProtoLists
{
    /// <param name="kind">Of the list, in the core group.</param>
    public static byte[] Of<T>(string kind, string version, T[] items) where T : class, IObject<T>
    {
        var writer = new ProtoWriter();
        writer.Messages<T>(2, items);
        writer.Message(1, new ListMeta { ResourceVersion = version });
        byte[] list = writer.ToArray();
        writer.Dispose();
        writer = new ProtoWriter();
        writer.Bytes(2, list);
        int start = writer.Length;
        writer.String(2, kind);
        writer.String(1, "v1");
        writer.EndMessage(1, start);
        writer.Raw(Envelope.Magic);
        byte[] body = writer.ToArray();
        writer.Dispose();
        return body;
    }
}
