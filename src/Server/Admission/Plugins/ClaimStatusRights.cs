using Hanbae.Api;
using Hanbae.Api.Resource.V1;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Auth;
using Hanbae.Server.Errors;
using Hanbae.Server.Filters;
using Hanbae.Server.Registry.Strategies;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Asks for each part of a claim's status whether its writer may (KEP-4817): to give devices, and to tell of the devices of one driver.</summary>
/// <remarks>Upstream's storage checks it, so no plugin can be turned off to go without. Who tells from the node that the devices are given on needs less than who tells from anywhere.</remarks>
sealed class ClaimStatusRights(IAuthorizer authorizer) : IValidates
{
    const string Binding = "binding", Driver = "driver", Associated = "associated-node:", Arbitrary = "arbitrary-node:";

    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Update && subresource == "status" && resource is { Group: "resource.k8s.io", Resource: "resourceclaims" };

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is not { Object: ResourceClaim { Status: var now }, OldObject: ResourceClaim { Status: var old } }) return;
        var errors = new List<FieldError>();
        if (now.Allocation != old.Allocation || now.ReservedFor != old.ReservedFor)
            if (await WhyNotAsync(request, request.Verb, Binding, "", "", ct).ConfigureAwait(false) is { } refused)
                errors.Add(FieldError.Forbidden("status", $"changing status.allocation or status.reservedFor requires resource=\"resourceclaims/binding\", verb=\"{request.Verb}\" permission: {refused}"));
        string[] verbs = IsOn(request.User, NodeOf(now.Allocation)) ? [Associated + request.Verb, Arbitrary + request.Verb] : [Arbitrary + request.Verb];
        foreach (string driver in Touched(now, old))
        {
            string? first = null;
            bool may = false;
            foreach (string verb in verbs)
            {
                string? refused = await WhyNotAsync(request, verb, Driver, request.Namespace, driver, ct).ConfigureAwait(false);
                if (may = refused is null) break;
                first ??= refused;
            }
            if (!may) errors.Add(FieldError.Forbidden("status.devices", $"changing status.devices requires resource=\"resourceclaims/driver\", verb=\"[{string.Join(' ', verbs)}]\" permission: {first}"));
        }
        if (errors.Count > 0) throw Statuses.Invalid(request.Kind, request.Name, errors);
    }

    /// <summary>The drivers of whose devices something else is told. What goes with the device is nobody's word.</summary>
    static IEnumerable<string> Touched(ResourceClaimStatus now, ResourceClaimStatus old)
    {
        if (now.Devices == old.Devices) return [];
        var before = GivenDevices.Left(old.Devices, old, now).ToDictionary(GivenDevices.IdOf);
        var drivers = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var device in now.Devices)
            if (!before.Remove(GivenDevices.IdOf(device), out var was) || was != device) drivers.Add(device.Driver);
        foreach (var gone in before.Values) drivers.Add(gone.Driver);
        return drivers;
    }

    /// <summary>The one node that an allocation is for; empty when it is for several, or not for nodes by their names.</summary>
    static string NodeOf(AllocationResult? allocation) =>
        allocation?.NodeSelector is { NodeSelectorTerms: [{ MatchExpressions.IsEmpty: true, MatchFields: [{ Key: "metadata.name", Operator: "In", Values: [var node] }] }] } ? node : "";

    static bool IsOn(Identity user, string node) =>
        node.Length > 0 && Groups.ServiceAccountOf(user.Name) is not null && user.Extra[Groups.NodeName] is [var on] && on == node && Names.Subdomain(node).Count == 0;

    async ValueTask<string?> WhyNotAsync(AdmissionRequest request, string verb, string part, string ns, string name, CancellationToken ct)
    {
        var attributes = new Attributes
        {
            User = request.User, Verb = verb, IsResourceRequest = true, ApiGroup = request.Resource.Group, ApiVersion = request.Resource.Version,
            Namespace = ns, Resource = request.Resource.Resource, Subresource = part, Name = name,
        };
        var decision = await authorizer.AuthorizeAsync(attributes, ct).ConfigureAwait(false);
        if (decision.Verdict == Verdict.Allow) return null;
        return Authorize.Forbidden(attributes, decision.Why).Message;
    }
}
