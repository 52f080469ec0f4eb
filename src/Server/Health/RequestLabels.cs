using System.Diagnostics.CodeAnalysis;

namespace Hanbae.Server.Health;

/// <summary>What requests are counted by.</summary>
readonly record struct RequestLabels(string Verb, string Group, string Version, string Resource, string Subresource, string Scope, int Code, string DryRun = "")
{
    /// <summary>Looks at a few letters only: there are some hundred combinations, and every request asks.</summary>
    internal sealed class Comparer : IEqualityComparer<RequestLabels>
    {
        public bool Equals(RequestLabels a, RequestLabels b) => a.Code == b.Code && a.Resource == b.Resource && a.Verb == b.Verb && a.Subresource == b.Subresource
            && a.Scope == b.Scope && a.Group == b.Group && a.Version == b.Version && a.DryRun == b.DryRun;

        public int GetHashCode([DisallowNull] RequestLabels l)
        {
            int resource = l.Resource.Length == 0 ? 0 : l.Resource[0] | l.Resource[^1] << 8 | l.Resource[l.Resource.Length / 2] << 16 | l.Resource.Length << 24;
            int verb = l.Verb.Length == 0 ? 0 : l.Verb[0] | l.Verb[^1] << 5;
            return resource * 31 + verb + (l.Code << 10) + l.Subresource.Length * 7919 + l.Scope.Length * 104729;
        }
    }
}
