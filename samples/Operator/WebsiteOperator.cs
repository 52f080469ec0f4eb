using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Samples;

/// <summary>Runs a Deployment for each Website while it is open, and keeps the directory of open sites.</summary>
public sealed class WebsiteOperator(IClusterAccess access)
{
    public const string Name = "website-operator", Directory = "open-sites";

    readonly ICache<Deployment> _deployments = access.Cache<Deployment>();

    public Controller Build() => Controller.For<Website>(access)
        .Named(Name)
        .Owns<Deployment>()
        .WithFinalizer("shop.example.com/directory", (site, ct) => ListAsync(site, open: false, ct))
        .Reconcile(ReconcileAsync);

    async Task<Again> ReconcileAsync(Website site, CancellationToken ct)
    {
        var closes = site.Spec.OpenDays is { } days ? site.Metadata.CreationTimestamp + TimeSpan.FromDays(days) : null;
        bool open = closes is null || access.Time.GetUtcNow() < closes;

        await ListAsync(site, open, ct);
        await access.Client.ApplyAsync(DeploymentOf(site, open ? site.Spec.Replicas : 0), Name, ct);

        int ready = _deployments.Find(Key.Of(site))?.Status.ReadyReplicas ?? 0;
        var status = new WebsiteStatus { Ready = ready, Phase = open ? "Open" : "Closed" };
        if (status.Phase != site.Status.Phase) access.Recorder.Event(site, "Normal", status.Phase, $"the site is {status.Phase.ToLowerInvariant()} now");
        await access.Client.UpdateStatusIfChangedAsync(site, site with { Status = status }, ct);

        // Back when something changes, or when it is time to close.
        return open && closes is { } at ? Again.At(at) : Again.OnChange;
    }

    static Deployment DeploymentOf(Website site, int replicas)
    {
        var labels = Map.Of(("website", site.Metadata.Name));
        return new Deployment
        {
            Metadata = new() { Name = site.Metadata.Name, Namespace = site.Metadata.Namespace },
            Spec = new()
            {
                Replicas = replicas,
                Selector = new() { MatchLabels = labels },
                Template = new() { Metadata = new() { Labels = labels }, Spec = new() { Containers = [new() { Name = "site", Image = site.Spec.Image }] } },
            },
        }.OwnedBy(site);
    }

    /// <summary>The directory is nobody's child: garbage collection does not mend it, so the site has a finalizer.</summary>
    Task ListAsync(Website site, bool open, CancellationToken ct) =>
        access.Client.ApplyAsync(new ConfigMap
        {
            Metadata = new() { Name = Directory, Namespace = site.Metadata.Namespace },
            Data = open ? Map.Of((site.Metadata.Name, site.Spec.Image)) : default,
        }, $"{Name}/{site.Metadata.Name}", ct);
}
