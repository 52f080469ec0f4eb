namespace Hanbae.Client;

/// <summary>Where a cluster is and how to prove who asks: what a kubeconfig context, or a Pod's service account, says.</summary>
public sealed record ClusterConfig
{
    /// <summary>The URL of the API server, with a path where it has one.</summary>
    public required Uri Server { get; init; }
    /// <summary>PEM; empty for the system's own authorities.</summary>
    public FileOrData CertificateAuthority { get; init; }
    /// <summary>PEM, the leaf first; read again when the file changes.</summary>
    public FileOrData ClientCertificate { get; init; }
    /// <summary>PEM; goes with the certificate.</summary>
    public FileOrData ClientKey { get; init; }
    /// <summary>A bearer token that does not change.</summary>
    public string Token { get; init; } = "";
    /// <summary>Preferred to <see cref="Token"/>; read again every minute, since kubelets renew it.</summary>
    public string TokenFile { get; init; } = "";
    /// <summary>The program to get credentials from; preferred to all others.</summary>
    public ExecPlugin? Exec { get; init; }
    /// <summary>For servers that take passwords; Kubernetes itself no longer does.</summary>
    public string Username { get; init; } = "";
    /// <summary>Goes with the user name.</summary>
    public string Password { get; init; } = "";
    /// <summary>Trusts whoever answers.</summary>
    public bool Insecure { get; init; }
    /// <summary>The name in the server's certificate, when it is not that of <see cref="Server"/>.</summary>
    public string TlsServerName { get; init; } = "";
    /// <summary>An HTTP or SOCKS5 proxy; null for what the environment says.</summary>
    public Uri? Proxy { get; init; }
    /// <summary>Sent with every request: impersonation.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];
    /// <summary>Where to look when nobody says where.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>The same cluster, asked by nobody: who asks says so with each request.</summary>
    public ClusterConfig WithoutCredentials() => this with { ClientCertificate = default, ClientKey = default, Token = "", TokenFile = "", Exec = null, Username = "", Password = "", Headers = [] };

    /// <summary>The cluster that is meant where nobody says which: the kubeconfig's current context, or else the one this process is a Pod of.</summary>
    /// <remarks>As client-go: files that <c>KUBECONFIG</c> names, <c>~/.kube/config</c>, the service account's mount.</remarks>
    /// <exception cref="FormatException">There is neither, or the kubeconfig is wrong.</exception>
    public static ClusterConfig Default()
    {
        var kubeconfig = Kubeconfig.LoadDefault(Environment.GetEnvironmentVariable);
        if (kubeconfig.CurrentContext.Length > 0) return kubeconfig.Resolve();
        return InCluster(Environment.GetEnvironmentVariable) ?? throw new FormatException("no cluster is known: there is no kubeconfig with a current context, and this process is not in a Pod");
    }

    /// <summary>The cluster that this process is a Pod of; null when it is none.</summary>
    /// <param name="folder">Where the service account is mounted.</param>
    public static ClusterConfig? InCluster(Func<string, string?> environment, string folder = "/var/run/secrets/kubernetes.io/serviceaccount")
    {
        string? host = environment("KUBERNETES_SERVICE_HOST"), port = environment("KUBERNETES_SERVICE_PORT");
        string token = Path.Combine(folder, "token"), authority = Path.Combine(folder, "ca.crt"), ns = Path.Combine(folder, "namespace");
        if (string.IsNullOrEmpty(host) || string.IsNullOrEmpty(port) || !File.Exists(token)) return null;
        return new()
        {
            Server = new($"https://{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}"),
            TokenFile = token,
            CertificateAuthority = File.Exists(authority) ? new(authority, default) : default,
            Namespace = File.Exists(ns) ? File.ReadAllText(ns).Trim() : "default",
        };
    }
}

/// <summary>A certificate or key: given, or in a file.</summary>
public readonly record struct FileOrData(string? File, ReadOnlyMemory<byte> Data)
{
    /// <summary>There is neither.</summary>
    public bool IsEmpty => string.IsNullOrEmpty(File) && Data.IsEmpty;
    /// <summary>PEM, from the file as it is now, or as given.</summary>
    public string ReadText() => string.IsNullOrEmpty(File) ? System.Text.Encoding.ASCII.GetString(Data.Span) : System.IO.File.ReadAllText(File);
}
