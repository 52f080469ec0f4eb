using System.Buffers;
using System.IO.Pipelines;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Cache;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Encode;

/// <summary>Writes lists by laying the items' bytes end to end, flushing often enough that a large one never stands in memory twice.</summary>
static class ListEncoder
{
    const int FlushEvery = 128 * 1024;

    public static async ValueTask WriteAsync(PipeWriter to, Output output, Resource resource, Listing listing, DateTimeOffset now, CancellationToken ct)
    {
        var meta = Encoder.MetaOf(listing);
        var blocks = new BlockWriter(to);
        if (output.Format == Format.Protobuf)
        {
            await WriteProtoAsync(to, blocks, output, resource, listing, meta, ct).ConfigureAwait(false);
            return;
        }
        var kind = resource.Info.Kind;
        bool table = output.Shape == Shape.Table, metadata = output.Shape == Shape.Metadata;
        if (table) TableEncoder.Begin(blocks, output, resource, meta, columns: true);
        else
        {
            Encoder.WriteText(blocks, metadata ? $"{{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"{output.MetaApiVersion}\",\"metadata\":"
                : $"{{\"kind\":\"{kind.ListKind}\",\"apiVersion\":\"{kind.ApiVersion}\",\"metadata\":");
            blocks.Write(Encoder.Json(meta));
            blocks.Write(",\"items\":["u8);
        }
        var items = listing.Items;
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0) blocks.Write(","u8);
            if (table) TableEncoder.Row(blocks, output, resource, items[i], now);
            else if (metadata) Encoder.WritePartial(blocks, output, items[i]);
            else
            {
                blocks.Write("{"u8);
                items[i].JsonRest.WriteTo(blocks);
            }
            if (to.UnflushedBytes > FlushEvery) await FlushAsync(to, blocks, ct).ConfigureAwait(false);
        }
        blocks.Write("]}\n"u8);
        blocks.Commit();
    }

    static ValueTask<FlushResult> FlushAsync(PipeWriter to, BlockWriter blocks, CancellationToken ct)
    {
        blocks.Commit();
        return to.FlushAsync(ct);
    }

    static async ValueTask WriteProtoAsync(PipeWriter to, BlockWriter blocks, Output output, Resource resource, Listing listing, ListMeta meta, CancellationToken ct)
    {
        var items = listing.Items;
        if (output.Shape == Shape.Metadata)
        {
            byte[][] partial = [.. items.Select(i => Encoder.ToProto(Encoder.Partial(i)))];
            ProtoEncoder.BeginList(blocks, output.MetaApiVersion, "PartialObjectMetadataList", meta, partial.Sum(p => (long)ProtoEncoder.ListItemSize(p.Length)));
            foreach (byte[] message in partial) ProtoEncoder.ListItem(blocks, message);
        }
        else
        {
            long size = 0;
            foreach (var item in items) size += ProtoEncoder.ListItemSize(item.Proto.Length);
            var kind = resource.Info.Kind;
            ProtoEncoder.BeginList(blocks, kind.ApiVersion, kind.ListKind, meta, size);
            foreach (var item in items)
            {
                ProtoEncoder.ListItem(blocks, item.Proto);
                if (to.UnflushedBytes > FlushEvery) await FlushAsync(to, blocks, ct).ConfigureAwait(false);
            }
        }
        ProtoEncoder.EndList(blocks);
        blocks.Commit();
    }
}
