using Hanbae.Api.Rest;

namespace Hanbae.Controllers.Ownership;

/// <summary>Tells refusals that no further try will change.</summary>
static class Refusal
{
    /// <summary>The namespace goes away, and everything in it: there is no use in trying again.</summary>
    public static bool IsNamespaceTerminating(Exception e) => e is ApiException { IsNamespaceTerminating: true };
}
