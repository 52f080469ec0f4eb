using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets nothing happen in namespaces that do not exist; upstream's from before NamespaceLifecycle.</summary>
sealed class NamespaceExists(ServedObjects objects) : IValidates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) => operation != Operation.Connect && resource != new GroupResource("", "namespaces");

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Namespace.Length > 0 && await objects.FindAsync<Namespace>("", request.Namespace, ct).ConfigureAwait(false) is null) throw Statuses.NotFound(new("", "namespaces"), request.Namespace);
    }
}

/// <summary>Makes a namespace when the first object comes to be in it.</summary>
sealed class NamespaceAutoProvision(ServedObjects objects) : IMutates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) => operation == Operation.Create && resource != new GroupResource("", "namespaces");

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Namespace.Length == 0 || request.DryRun || await objects.FindAsync<Namespace>("", request.Namespace, ct).ConfigureAwait(false) is not null) return request.Object;
        var info = Resources.Of<Namespace>();
        if (objects.Stored(info.Gvr.GroupResource) is not { } stored) return request.Object;
        try
        {
            var made = stored.Strategy.Default(new Namespace { Metadata = new() { Name = request.Namespace } });
            await stored.CreateAsync(new() { Resource = info, Namespace = "", Name = "", Verb = "create", User = Groups.ApiServer, Warnings = [] }, made, ct).ConfigureAwait(false);
        }
        catch (StatusException e) when (e.Reason == "AlreadyExists") { } // somebody else's first object
        return request.Object;
    }
}
