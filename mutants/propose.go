package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// propose returns a mutant for each condition in the package that could be left out or be off by one: an operand of && and ||,
// a guard, the edge of a comparison, a case of a switch.
func propose(t *tree, pkg string) (all []*mutant, err error) {
	opened, err := t.open(pkg)
	if err != nil {
		return nil, err
	}
	for name, decl := range opened.decls {
		f, ok := decl.node.(*ast.FuncDecl)
		if !ok || f.Name.Name == "String" || f.Name.Name == "Error" {
			continue
		}
		p := proposer{pkg: pkg, name: name, text: decl.source.text, offset: decl.start - int(f.Body.Lbrace+1)}
		ast.Inspect(f.Body, p.visit)
		all = append(all, p.found...)
	}
	slices.SortFunc(all, func(a, b *mutant) int { return strings.Compare(a.id, b.id) })
	return all, nil
}

// proposer collects the mutants of one function.
type proposer struct {
	pkg, name, text string
	offset          int // what turns a position into an offset of text
	found           []*mutant
}

func (p *proposer) source(n ast.Node) string {
	return p.text[p.offset+int(n.Pos()) : p.offset+int(n.End())]
}

// add notes the mutant that reads now in place of part, which is a part of whole: enough of the code to be there once.
func (p *proposer) add(whole, part ast.Node, now string) {
	from, to := int(part.Pos()-whole.Pos()), int(part.End()-whole.Pos())
	text := p.source(whole)
	p.found = append(p.found, &mutant{
		pkg: p.pkg, decl: p.name, id: fmt.Sprintf("%s/%s-%d", p.pkg, p.name, len(p.found)+1), file: p.pkg, line: len(p.found) + 1,
		was: strings.Split(text, "\n"), now: strings.Split(text[:from]+now+text[to:], "\n"), lets: "?",
	})
}

func (p *proposer) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		p.binary(n)
	case *ast.IfStmt:
		if _, compound := n.Cond.(*ast.BinaryExpr); n.Else == nil && !(compound && isLogic(n.Cond.(*ast.BinaryExpr).Op)) {
			head := &span{n.Pos(), n.Body.Lbrace + 1}
			p.add(head, n.Cond, "false && "+p.source(n.Cond))
		}
	case *ast.CaseClause:
		for _, value := range n.List {
			if condition, ok := value.(*ast.BinaryExpr); ok && condition.Op != token.ADD {
				p.add(&span{n.Pos(), n.Colon + 1}, value, p.never(condition))
			}
		}
	}
	return true
}

func (p *proposer) never(condition *ast.BinaryExpr) string {
	if condition.Op == token.LOR {
		return "false && (" + p.source(condition) + ")"
	}
	return "false && " + p.source(condition)
}

func isLogic(op token.Token) bool { return op == token.LAND || op == token.LOR }

var edges = map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}

func (p *proposer) binary(n *ast.BinaryExpr) {
	if isLogic(n.Op) {
		for _, operand := range []ast.Expr{n.X, n.Y} {
			if inner, ok := operand.(*ast.BinaryExpr); ok && isLogic(inner.Op) {
				continue
			}
			if n.Op == token.LAND {
				p.add(n, operand, "(true || "+p.source(operand)+")")
			} else {
				p.add(n, operand, "false && "+p.source(operand))
			}
		}
		return
	}
	if other := edges[n.Op]; other != "" {
		p.add(n, &span{n.OpPos, n.OpPos + token.Pos(len(n.Op.String()))}, other)
	}
}

// span is a piece of code that is no node of its own.
type span struct{ from, to token.Pos }

func (s *span) Pos() token.Pos { return s.from }
func (s *span) End() token.Pos { return s.to }
