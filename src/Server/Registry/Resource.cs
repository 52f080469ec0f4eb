using Hanbae.Api.Rest;
using Hanbae.Server.Cache;
using Hanbae.Server.Tables;

namespace Hanbae.Server.Registry;

/// <summary>A served resource: one version's view of what is stored.</summary>
public sealed class Resource(ResourceInfo info, StoredResource stored, ITable? table, Dictionary<string, IRestHandler> handlers)
{
    public ResourceInfo Info { get; } = info;
    public StoredResource Stored { get; } = stored;
    byte[]? _columns;
    internal byte[] ColumnsJson => _columns ??= Encode.TableEncoder.Columns(this);
    internal ITable Table { get; } = table ?? new NameAndAge(info);
    /// <summary>What answers instead of plain storage, by subresource (empty for the resource itself).</summary>
    internal Dictionary<string, IRestHandler> Handlers { get; } = handlers;
    /// <summary>What a CustomResourceDefinition adds; null for what is built in.</summary>
    internal Crd.Served.CustomVersion? Custom { get; init; }

    /// <summary>A stored item in this version.</summary>
    internal Item View(Item item) => item.As(Info.Kind, Convert.To);
}
