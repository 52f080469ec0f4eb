using System.Buffers;
using System.IO.Pipelines;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Cache;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Encode;

/// <summary>Writes lists by laying the items' bytes end to end, flushing often enough that a large one never stands in memory twice.</summary>
static class ListEncoder
{
    const int FlushEvery = 128 * 1024, GatherUpTo = 16 * 1024;

    public static async ValueTask WriteAsync(PipeWriter to, Output output, Resource resource, Listing listing, DateTimeOffset now, CancellationToken ct)
    {
        var meta = Encoder.MetaOf(listing);
        if (output.Format == Format.Protobuf)
        {
            await WriteProtoAsync(to, output, resource, listing, meta, ct).ConfigureAwait(false);
            return;
        }
        var kind = resource.Info.Kind;
        bool table = output.Shape == Shape.Table, metadata = output.Shape == Shape.Metadata;
        if (table) TableEncoder.Begin(to, output, resource, meta, columns: true);
        else
        {
            Encoder.WriteText(to, metadata ? $"{{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"{output.MetaApiVersion}\",\"metadata\":" : $"{{\"kind\":\"{kind.ListKind}\",\"apiVersion\":\"{kind.ApiVersion}\",\"metadata\":");
            to.Write(Encoder.Json(meta));
            to.Write(",\"items\":["u8);
        }
        var items = listing.Items;
        // What is put together from many small parts is gathered first: the response's own buffer is dear to enter.
        var gathered = table || metadata ? new ArrayBufferWriter<byte>(GatherUpTo * 2) : null;
        for (int i = 0; i < items.Count; i++)
        {
            if (gathered is not null)
            {
                if (i > 0) gathered.Write(","u8);
                if (table) TableEncoder.Row(gathered, output, resource, items[i], now);
                else Encoder.WritePartial(gathered, output, items[i]);
                if (gathered.WrittenCount < GatherUpTo && i < items.Count - 1) continue;
                to.Write(gathered.WrittenSpan);
                gathered.ResetWrittenCount();
            }
            else WriteItem(to, items[i].JsonRest, first: i == 0);
            if (to.UnflushedBytes > FlushEvery) await to.FlushAsync(ct).ConfigureAwait(false);
        }
        to.Write("]}\n"u8);
    }

    static void WriteItem(PipeWriter to, SharedBytes.Part rest, bool first)
    {
        if (rest.Length > 4000)
        {
            to.Write(first ? "{"u8 : ",{"u8);
            rest.WriteTo(to);
            return;
        }
        // One copy into the response's own buffer.
        var span = to.GetSpan(rest.Length + 2);
        int at = 0;
        if (!first) span[at++] = (byte)',';
        span[at++] = (byte)'{';
        rest.CopyTo(span[at..]);
        to.Advance(at + rest.Length);
    }

    static async ValueTask WriteProtoAsync(PipeWriter to, Output output, Resource resource, Listing listing, ListMeta meta, CancellationToken ct)
    {
        var items = listing.Items;
        if (output.Shape == Shape.Metadata)
        {
            byte[][] partial = [.. items.Select(i => Encoder.ToProto(Encoder.Partial(i)))];
            ProtoEncoder.BeginList(to, output.MetaApiVersion, "PartialObjectMetadataList", meta, partial.Sum(p => (long)ProtoEncoder.ListItemSize(p.Length)));
            foreach (byte[] message in partial) ProtoEncoder.ListItem(to, message);
            ProtoEncoder.EndList(to);
            return;
        }
        long size = 0;
        foreach (var item in items) size += ProtoEncoder.ListItemSize(item.Proto.Length);
        var kind = resource.Info.Kind;
        ProtoEncoder.BeginList(to, kind.ApiVersion, kind.ListKind, meta, size);
        foreach (var item in items)
        {
            ProtoEncoder.ListItem(to, item.Proto);
            if (to.UnflushedBytes > FlushEvery) await to.FlushAsync(ct).ConfigureAwait(false);
        }
        ProtoEncoder.EndList(to);
    }
}
