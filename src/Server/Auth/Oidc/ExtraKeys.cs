using System.Text.RegularExpressions;

namespace Hanbae.Server.Auth.Oidc;

/// <summary>What keys of a user's extra must be like: a domain and a path, so that authenticators do not speak for one another.</summary>
static partial class ExtraKeys
{
    [GeneratedRegex(@"\A[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\z")]
    private static partial Regex Domain();

    [GeneratedRegex(@"\A[A-Za-z0-9/\-._~%!$&'()*+,;=:]+\z")]
    private static partial Regex Path();

    /// <returns>In upstream's words; null when it is right.</returns>
    public static string? WhatIsWrong(string key)
    {
        if (key.Length == 0) return "name part must be non-empty";
        int slash = key.IndexOf('/');
        if (slash < 0 || slash == 0 || slash == key.Length - 1) return "must be a domain-prefixed path (such as \"acme.io/foo\")";
        if (slash > 253 || !Domain().IsMatch(key[..slash]))
            return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character "
                + "(e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        return Path().IsMatch(key[(slash + 1)..]) ? null : "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
    }

    public static bool IsKubernetes(string key) =>
        key.IndexOf('/') is > 0 and var slash && key[..slash] is var domain
        && (domain is "k8s.io" or "kubernetes.io" || domain.EndsWith(".k8s.io", StringComparison.Ordinal) || domain.EndsWith(".kubernetes.io", StringComparison.Ordinal));
}
