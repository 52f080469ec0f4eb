using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Devices;

/// <summary>Says what was found for a claim in the form that drivers read: devices, settings, and the nodes that reach them.</summary>
internal static class AllocationDraft
{
    /// <param name="Request">With its subrequest, when it has several ways to be met.</param>
    public sealed record Piece(string Request, string Class, PoolDevice Device, bool Admin, Seq<DeviceToleration> Tolerations, Map<Quantity> Consumes)
    {
        public string MainRequest => Request.Split('/')[0];
    }

    public static AllocationResult Of(ResourceClaim claim, IReadOnlyDictionary<string, DeviceClass> classes, Node node, IReadOnlyList<Piece> pieces) => new()
    {
        Devices = new() { Results = [.. pieces.Select(Result)], Config = [.. Settings(claim, classes, pieces)] },
        NodeSelector = Nodes(node, pieces),
    };

    static DeviceRequestAllocationResult Result(Piece p) => new()
    {
        Request = p.Request, Driver = p.Device.Id.Driver, Pool = p.Device.Id.Pool, Device = p.Device.Id.Device, AdminAccess = p.Admin ? true : null, Tolerations = p.Tolerations,
        BindingConditions = p.Device.Device.BindingConditions, BindingFailureConditions = p.Device.Device.BindingFailureConditions,
        ShareID = p.Device.Shared && !p.Admin ? Guid.NewGuid().ToString() : null, ConsumedCapacity = p.Device.Shared && !p.Admin ? p.Consumes : default,
    };

    static IEnumerable<DeviceAllocationConfiguration> Settings(ResourceClaim claim, IReadOnlyDictionary<string, DeviceClass> classes, IReadOnlyList<Piece> pieces)
    {
        foreach (var p in pieces.DistinctBy(p => p.Request))
            if (classes.TryGetValue(p.Class, out var @class))
                foreach (var c in @class.Spec.Config) yield return new() { Source = "FromClass", Requests = [p.Request], Opaque = c.Opaque };
        foreach (var c in claim.Spec.Devices.Config)
            if (c.Requests.IsEmpty || pieces.Any(p => c.Requests.Contains(p.Request) || c.Requests.Contains(p.MainRequest)))
                yield return new() { Source = "FromClaim", Requests = c.Requests, Opaque = c.Opaque };
    }

    /// <summary>The nodes that reach all of the devices; null when every node does.</summary>
    static NodeSelector? Nodes(Node node, IReadOnlyList<Piece> pieces)
    {
        List<NodeSelectorRequirement> labels = [], fields = [];
        foreach (var p in pieces)
        {
            if (p.Device.OnlyNode is not null || p.Device.Device.BindsToNode == true)
                return new() { NodeSelectorTerms = [new() { MatchFields = [new() { Key = "metadata.name", Operator = "In", Values = [node.Metadata.Name] }] }] };
            if (p.Device.Nodes is not { } nodes) continue;
            // One term, as validation has it.
            foreach (var term in nodes.NodeSelectorTerms)
            {
                foreach (var e in term.MatchExpressions) if (!labels.Contains(e)) labels.Add(e);
                foreach (var e in term.MatchFields) if (!fields.Contains(e)) fields.Add(e);
            }
        }
        return labels.Count + fields.Count == 0 ? null : new() { NodeSelectorTerms = [new() { MatchExpressions = [.. labels], MatchFields = [.. fields] }] };
    }
}
