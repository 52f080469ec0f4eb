using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Pods;

/// <summary>Reads the objects that Pods refer to. Answers may be some seconds old.</summary>
public interface IPodObjects
{
    /// <returns>Null when there is none.</returns>
    /// <exception cref="Hanbae.Api.Rest.ApiException">The server refused, or did not answer.</exception>
    Task<ConfigMap?> ConfigMapAsync(string ns, string name, CancellationToken ct);

    /// <inheritdoc cref="ConfigMapAsync"/>
    Task<Secret?> SecretAsync(string ns, string name, CancellationToken ct);

    /// <summary>Watches the ConfigMaps and Secrets that the Pod's volumes show.</summary>
    /// <param name="changed">Called when one is something else than what was read; must not block.</param>
    /// <returns>Ends it; null where nothing is watched.</returns>
    IDisposable? Follow(Pod pod, Action changed) => null;

    /// <summary>ClusterTrustBundles with such fields.</summary>
    /// <exception cref="Hanbae.Api.Rest.ApiException">The server refused, does not serve them, or did not answer.</exception>
    Task<IReadOnlyList<ClusterTrustBundle>> TrustBundlesAsync(string fieldSelector, CancellationToken ct);

    /// <summary>All Services of the namespace that have a cluster IP, for the variables that containers get of them (<c>enableServiceLinks</c>).</summary>
    IReadOnlyCollection<Service> Services(string ns);

    /// <summary>The node as last seen; null before it is registered.</summary>
    Node? Node { get; }

    /// <summary>The node as it is now; null when it is gone.</summary>
    /// <exception cref="Hanbae.Api.Rest.ApiException">The server refused, or did not answer.</exception>
    Task<Node?> NodeNowAsync(CancellationToken ct) => Task.FromResult(Node);

    /// <summary>A token for the Pod's service account, bound to the Pod and new enough to last.</summary>
    Task<TokenRequestStatus> TokenAsync(Pod pod, string audience, TimeSpan lifetime, CancellationToken ct);

    /// <inheritdoc cref="ConfigMapAsync"/>
    Task<ServiceAccount?> ServiceAccountAsync(string ns, string name, CancellationToken ct);

    /// <summary>Asks for a certificate of a Pod.</summary>
    /// <returns>The request, with its name.</returns>
    /// <exception cref="Hanbae.Api.Rest.ApiException">The server refused, does not serve them, or did not answer.</exception>
    Task<PodCertificateRequest> AskCertificateAsync(PodCertificateRequest request, CancellationToken ct);

    /// <summary>A request as it is now; null when somebody deleted it.</summary>
    Task<PodCertificateRequest?> CertificateRequestAsync(string ns, string name, CancellationToken ct);
}
